//! `pack`: model, policy and program in one executable file, and what such a file holds.

use super::guard_options::GuardOptions;
use super::{failure, terminal};
use anyhow::{Context as _, bail};
use clap::Args;
use portcullis::PackedReport;
use portcullis::image::{self, Image, Parts};
use portcullis::policy::Policy;
use portcullis::trust::SigningKey;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Write one executable file with this program, a model and a policy.
#[derive(Args)]
#[command(after_help = "\
The file is this program, and judges by the model and the policy in it where nothing else is asked for. They are those of
--models, --model, --calibration and --policy, with all files of the policy's bundle; without these flags, this program's own. At
every start the packed files are hashed, and a file that was changed stops the guard. A program built without the feature
`embedded` holds no other model: give it with --program.

Examples:
  portcullis pack --policy policies/shop -o shop-guard
  portcullis pack --models models --model portcullis-small --policy shop.toml --sign release.key -o shop-guard
  ./shop-guard check --trust release.pub \"How do I bake bread?\"
  portcullis pack --list shop-guard --trust release.pub
  portcullis pack --extract shop-guard -o shop-guard.d

Exit status: 0, or 2 for an error, a file that is damaged, and one that is not signed as --trust asks for.")]
pub(super) struct Arguments {
    /// The file to write, or with --extract the folder.
    #[arg(long, short, value_name = "FILE|DIR", required_unless_present = "list")]
    output: Option<PathBuf>,

    /// The program to pack into. Without it, this one.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,

    /// Sign with this secret key, as `policy keygen` writes it.
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,

    /// Say what is packed into this file and check it, the program too.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["output", "program", "sign", "extract"])]
    list: Option<PathBuf>,

    /// Write what is packed into this file to a new folder.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["program", "sign"])]
    extract: Option<PathBuf>,

    /// Print one JSON object, with --list.
    #[arg(long, requires = "list")]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    match arguments {
        Arguments { list: Some(file), json, .. } => list(file, *json, options)?,
        Arguments { extract: Some(file), output: Some(folder), .. } => extract(file, folder, options)?,
        Arguments { output: Some(output), .. } => pack(output, arguments, options)?,
        Arguments { output: None, .. } => bail!("expected a file to write: --output FILE"),
    }
    Ok(ExitCode::SUCCESS)
}

fn pack(output: &Path, arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<()> {
    let own = options.own_image()?;
    let policy = match (options.policy_path(), &own) {
        (Some(path), _) => options.candidate(path)?,
        (None, Some((image, vouched))) => image.policy(vouched, &portcullis::store::Trust::default())?,
        (None, None) => Policy::embedded()?,
    };
    let exceptions = policy.bundle().map(|folder| folder.join(portcullis::exception::FOLDER));
    let reference = policy.reference();
    // Whether they fit each other is better said now than by a program that does not start.
    options.guard_of(policy).context("the guard to be packed cannot start")?;
    let key = arguments.sign.as_deref().map(SigningKey::read).transpose()?;
    let program = match &arguments.program {
        Some(program) => program.clone(),
        None => std::env::current_exe().context("cannot find this program")?,
    };
    let bundle = options.bundle()?;
    let parts = Parts {
        program: &program,
        bundle: &bundle,
        policy: options.policy_path(),
        from: own.as_ref().map(|(image, _)| image),
        key: key.as_ref(),
    };
    let image = image::write(output, &parts)?;
    if let Some(folder) = exceptions.filter(|folder| folder.exists()) {
        let folder = folder.display().to_string();
        let what =
            "what is packed names no folder that they could be read from, expected them in a state directory";
        failure::warn(format!("the exceptions in {} are not used: {what}", terminal::printable(&folder)));
    }
    let by = key.map_or_else(|| "not signed".to_owned(), |key| format!("signed by {}", key.name()));
    terminal::emit(&format!(
        "{}: {}, model {}, policy {} {}, {} files, {by}\n",
        output.display(),
        terminal::megabytes(output.metadata().map_or(0, |metadata| metadata.len())),
        bundle.entry().id,
        reference.id,
        reference.version,
        image.files().len(),
    ))
}

fn list(file: &Path, json: bool, options: &GuardOptions) -> anyhow::Result<()> {
    let image = Image::open(file)?;
    let report = PackedReport::new(&image, &options.vouched(&image)?);
    image.verify_program()?;
    image.verify()?;
    if json {
        return terminal::emit(&(serde_json::to_string(&report)? + "\n"));
    }
    let mut facts = terminal::Table::new(&["packed", ""], &[]);
    facts.row(["program", &program(&report)]);
    facts.row(["files", &signature(&report)]);
    terminal::emit(&format!("{}\n{}", facts.render(), table(&report)))
}

fn extract(file: &Path, folder: &Path, options: &GuardOptions) -> anyhow::Result<()> {
    if folder.symlink_metadata().is_ok() {
        bail!("{} is there, expected a folder that is to be made", folder.display());
    }
    let image = Image::open(file)?;
    options.vouched(&image)?;
    image.extract(folder)?;
    terminal::emit(&format!("{}: {} files and the program\n", folder.display(), image.files().len()))
}

/// The program before the files, in a line.
pub(super) fn program(packed: &PackedReport) -> String {
    let program = &packed.program;
    let by = terminal::printable(&program.packed_by);
    format!("{} bytes, packed by {by}, {}", program.bytes, program.blake3)
}

/// Who vouches for the files, in a line.
pub(super) fn signature(packed: &PackedReport) -> String {
    let by = terminal::printable(packed.signed_by.as_deref().unwrap_or_default());
    match packed.signature.as_str() {
        "signed" => format!("signed by {by}"),
        "unknown" => format!("said to be signed by {by}, whose key is not trusted here"),
        _ => "not signed".to_owned(),
    }
}

/// The files, a row each.
pub(super) fn table(packed: &PackedReport) -> String {
    let mut table = terminal::Table::new(&["packed file", "offset", "bytes", "BLAKE3"], &["offset", "bytes"]);
    for file in &packed.files {
        table.row([&file.path, &file.offset.to_string(), &file.bytes.to_string(), &file.blake3]);
    }
    table.render()
}
