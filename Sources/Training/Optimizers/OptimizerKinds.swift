/// The optimizers there are, in the order of the reference page.
package let optimizerKinds: [any OptimizerSettings.Type] = [
  AdamWSettings.self, SGDSettings.self, LionSettings.self, AdafactorSettings.self, MuonSettings.self,
  AdamW8BitSettings.self, CAMESettings.self, ScheduleFreeSettings.self, AdamMiniSettings.self, GaLoreSettings.self,
  APOLLOSettings.self, LOMOSettings.self, BAdamSettings.self, AdamWBF16Settings.self,
]
