import Pipeline

/// The node types of fine-tuning, in the order of the reference page.
package let fineTuningNodes = NodeRegistry([
  LoadTokenizer.self, LoadDataset.self, ApplyTemplate.self, Tokenize.self,
  LoadModel.self, ExpandModel.self, AttachAdapter.self, Score.self, Train.self,
  Evaluate.self, Predict.self, MergeAdapters.self, MergeModels.self, Merge.self, Export.self, Exec.self,
])
