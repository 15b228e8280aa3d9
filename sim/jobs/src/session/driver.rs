//! The driver of a host's sessions: it prepares their code, runs them and computes what they cost.
//!
//! A storage node, a proxy and a worker have one each. Leaves out who supplies the bytes of a
//! session ([`super::source`]) and who takes its outputs.

use std::time::Duration;

use bytes::Bytes;
use rand::RngExt;
use stayput_host::Host;
use stayput_host::config::{FuelRate, MachineConfig, SessionsConfig};
use stayput_runtime::device::DeviceSpec;
use stayput_runtime::limits::SessionLimits;
use stayput_runtime::outcome::Accounting;
use stayput_runtime::session::SessionSpec;

use super::prepare::{ModuleSource, PreparedSession, Preparer, SessionCode};
use super::result::{Agreement, SessionEnd, SessionResult};
use super::run::{PipeEnds, RunOutcome, run};
use super::slots::SessionSlots;
use super::source::{InputSource, ResolvedDevice};
use super::staging::StagedOutputs;
use crate::memo::SessionMemo;
use crate::system_images::SystemImages;

/// A session that can run: code, arguments and the sources of its devices are all at hand.
pub(crate) struct ResolvedSession {
    /// Name, by which its randomness is drawn.
    pub(crate) name: String,
    /// Command line, its own name first.
    pub(crate) args: Vec<String>,
    /// Environment.
    pub(crate) env: Vec<(String, String)>,
    /// Module.
    pub(crate) module: ModuleSource<Bytes>,
    /// Tars of the user's images, in their order.
    pub(crate) images: Vec<Bytes>,
    /// Names of the system images, in their order.
    pub(crate) system_images: Vec<String>,
    /// Devices.
    pub(crate) devices: Vec<ResolvedDevice>,
}

/// Driver of the sessions of one host.
pub(crate) struct SessionDriver {
    host: Host,
    fuel_per_second: FuelRate,
    config: SessionsConfig,
    preparer: Preparer,
    memo: Option<SessionMemo>,
    slots: SessionSlots,
}

impl SessionDriver {
    /// A driver with the cores and slots of `machine`, on which `images` are installed. Sessions
    /// that `memo` knows are not computed again.
    pub(crate) fn new(
        host: &Host,
        machine: &MachineConfig,
        images: SystemImages,
        memo: Option<SessionMemo>,
    ) -> Self {
        Self {
            host: host.clone(),
            fuel_per_second: machine.fuel_per_second,
            config: machine.sessions,
            preparer: Preparer::new(images),
            memo,
            slots: SessionSlots::new(&machine.sessions),
        }
    }

    /// The slots of the host; [`SessionDriver::run`] takes none itself.
    pub(crate) fn slots(&self) -> &SessionSlots {
        &self.slots
    }

    /// Runs a session to its end.
    pub(crate) async fn run(&self, session: ResolvedSession) -> SessionResult {
        let ResolvedSession { name, args, env, module, images, system_images, devices } = session;
        let code =
            SessionCode { module: &module, images: &images, system_images: &system_images, args };
        let outcome = match self.preparer.prepare(code) {
            Err(refusal) => {
                let end = SessionEnd::Refused(refusal);
                PipeEnds::of(&devices).finish(&end);
                let outputs = StagedOutputs::new(devices.len());
                let (accounting, took) = (Accounting::default(), Duration::ZERO);
                RunOutcome { end, fuel: 0, accounting, took, outputs }
            }
            Ok(PreparedSession { images, module, args, compiled_bytes }) => {
                let spec = SessionSpec {
                    module,
                    args,
                    env,
                    devices: devices.iter().map(ResolvedDevice::spec).collect::<Vec<DeviceSpec>>(),
                    images,
                    limits: SessionLimits::default(),
                    entropy: session_entropy(&self.host, &name),
                };
                let startup = self.config.startup(compiled_bytes);
                run(&self.host, spec, &devices, startup, self.memo.as_ref()).await
            }
        };
        self.result(name, &devices, outcome)
    }

    fn result(
        &self,
        name: String,
        devices: &[ResolvedDevice],
        outcome: RunOutcome,
    ) -> SessionResult {
        let RunOutcome { end, fuel, accounting, took, outputs } = outcome;
        let staged = |device: &ResolvedDevice| matches!(device.source, InputSource::Staged);
        let written = devices.iter().zip(outputs.into_bytes()).filter(|(device, _)| staged(device));
        SessionResult {
            name,
            end,
            fuel,
            took,
            core: Duration::from_nanos(self.fuel_per_second.nanos_for(fuel)),
            accounting,
            outputs: written.map(|(device, output)| (device.name.clone(), output)).collect(),
            colocated: false,
            copies: Agreement::ALONE,
        }
    }
}

/// Seed of a session's randomness: the same wherever it runs, and at each attempt.
fn session_entropy(host: &Host, session: &str) -> [u8; 32] {
    host.entropy("session", session.as_bytes(), 0).random()
}
