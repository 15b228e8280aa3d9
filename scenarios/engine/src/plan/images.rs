//! Reads and unpacks the system images of a scenario.

use std::collections::BTreeMap;
use std::sync::Arc;

use stayput_jobs::system_images::SystemImages;
use stayput_runtime::image::{Image, ImageLimits};

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

fn read(source: &ImageSource) -> Result<Image, String> {
    let limits = ImageLimits::default();
    let tar = read_bounded(&source.file, limits.unpacked_bytes_max);
    let tar = tar.map_err(|error| error.to_string())?;
    let tar =
        tar.ok_or_else(|| format!("it is larger than {} bytes", limits.unpacked_bytes_max))?;
    Image::from_tar(&tar, limits).map_err(|error| error.to_string())
}
