//! Reads and unpacks the system images of a scenario.

use std::collections::BTreeMap;
use std::sync::Arc;

use stayput_jobs::system_images::SystemImages;
use stayput_runtime::image::{Image, ImageError, ImageLimits};

use crate::scenario::{ImageSource, Scenario, ScenarioError, read_bounded};

pub(super) fn load(scenario: &Scenario) -> Result<SystemImages, ScenarioError> {
    let mut images = BTreeMap::new();
    for source in &scenario.images {
        let image = read(source).map_err(|why| ScenarioError {
            file: scenario.file.clone(),
            line: source.line,
            key: source.key.clone(),
            why: format!("cannot use {}: {why}", source.file.display()),
            fix: source.fix().to_owned(),
        })?;
        images.insert(source.name.clone(), Arc::new(image));
    }
    SystemImages::new(images).map_err(|bad| ScenarioError {
        file: scenario.file.clone(),
        line: None,
        key: "images".to_owned(),
        why: bad.to_string(),
        fix: "give it another name".to_owned(),
    })
}

/// Failure to read an image.
#[derive(Debug, thiserror::Error)]
enum ImageReadError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// The file is too large.
    #[error("it is larger than {0} bytes")]
    TooLarge(u64),
    /// The bytes are no image.
    #[error(transparent)]
    Image(#[from] ImageError),
}

fn read(source: &ImageSource) -> Result<Image, ImageReadError> {
    let limits = ImageLimits::default();
    let tar = read_bounded(&source.file, limits.unpacked_bytes_max)?;
    let tar = tar.ok_or(ImageReadError::TooLarge(limits.unpacked_bytes_max))?;
    Ok(Image::from_tar(&tar, limits)?)
}
