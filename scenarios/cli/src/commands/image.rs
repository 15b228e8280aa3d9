//! `stayput image`: builds system images.

use std::io::{self, Write};

use stayput_engine::quantity::{bytes, count};
use stayput_images::build_python;

use super::{CliError, Exit, ImageArgs, ImageKind};

/// Builds an image and prints its files, their sizes and their digests.
pub(super) fn image(args: &ImageArgs) -> Result<Exit, CliError> {
    let ImageKind::Python { out } = &args.kind;
    let mut progress = io::stderr();
    let built = build_python(out, &mut |step| {
        // Progress that cannot be written does not stop the build.
        let _unseen = writeln!(progress, "{step} …");
    })?;
    let mut text = io::stdout();
    for image in built {
        let (file, size) = (image.file.display(), bytes(image.bytes));
        writeln!(text, "{file}  {size}, SHA-256 {}", image.digest)?;
        writeln!(text, "  the smallest program takes {} units of fuel", count(image.start_fuel))?;
    }
    Ok(Exit::Kept)
}
