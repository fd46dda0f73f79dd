int tk_inside_tile(void);
int tk_available_processors(void);
void tk_set_inside_tile(int inside);
