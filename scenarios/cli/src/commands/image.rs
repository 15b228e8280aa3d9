//! `stayput image`: builds system images.

use std::io::{self, Write};

use stayput_engine::quantity::{bytes, count};
use stayput_images::build_python;

use super::{CliError, Exit, ImageArgs, ImageKind};

/// Builds what was asked for and says where it is.
pub(super) fn image(args: &ImageArgs) -> Result<Exit, CliError> {
    let ImageKind::Python { out } = &args.kind;
    let mut told = io::stderr();
    let built = build_python(out, &mut |step| {
        // Who does not see this is not in the way of the build.
        let _unseen = writeln!(told, "{step} …");
    })?;
    let mut text = io::stdout();
    for image in built {
        let (file, size) = (image.file.display(), bytes(image.bytes));
        writeln!(text, "{file}  {size}, SHA-256 {}", image.digest)?;
        writeln!(text, "  the smallest program takes {} units of fuel", count(image.start_fuel))?;
    }
    Ok(Exit::Kept)
}
