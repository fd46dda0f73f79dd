// Nothing here yet; the first real file of this module replaces it.
