//! `[images]`: the system images that nodes and workers have, by name.

use std::collections::BTreeMap;
use std::path::Path;

use stayput_jobs::system_images::check_name;

use crate::scenario::ImageSource;
use crate::scenario::error::{Flaw, Lines};

pub(super) fn images(
    raw: BTreeMap<String, String>,
    folder: &Path,
    lines: &Lines<'_>,
) -> Result<Vec<ImageSource>, Flaw> {
    let image = |(name, file): (String, String)| {
        check_name(&name).map_err(|bad| {
            Flaw::new("images", bad.to_string(), "write it so: python = \"python.tar\"")
        })?;
        let (file, key) = (folder.join(file), format!("images.{name}"));
        // The line of the key as it stands there: a name with a dot is one key and not two.
        let line = lines.line_of_entry("images", &name);
        Ok(ImageSource { name, file, key, line })
    };
    raw.into_iter().map(image).collect()
}
