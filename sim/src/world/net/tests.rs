//! The truth of the model.
