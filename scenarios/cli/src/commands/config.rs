//! The whole configuration of a run, printed before it begins.

use std::io::{self, Write};

use stayput_engine::plan::{Net, RunPlan};
use stayput_engine::quantity::{
    bit_rate, byte_rate, bytes, chance, count, exact_duration, exact_size, printable,
};
use stayput_engine::scenario::{Load, Policy, Work};
use stayput_host::config::{Chance, Jitter, LinkConfig, MachineConfig};

/// Faults that are shown one by one: many may have been drawn.
const FAULTS_SHOWN: usize = 50;

/// Writes all that decides the run's results.
pub(super) fn write_config(plan: &RunPlan, out: &mut dyn Write) -> io::Result<()> {
    let scenario = &plan.scenario;
    writeln!(out, "scenario  {} ({})", scenario.name, scenario.file.display())?;
    if !scenario.story.is_empty() {
        writeln!(out, "story     {}", printable(&scenario.story))?;
    }
    for setting in &scenario.settings {
        writeln!(out, "set       {}", printable(&setting.to_string()))?;
    }
    let policies: Vec<_> = scenario.policies.iter().map(|p| Policy::name(*p)).collect();
    writeln!(out, "seed      {}, net {}, policies {}", plan.seed, plan.net, policies.join(", "))?;
    let c = &scenario.cluster;
    writeln!(
        out,
        "cluster   regions {}, zones {} each, nodes {} each, devices {} each; {} replicas, part power {}",
        c.regions, c.zones, c.nodes_per_zone, c.devices_per_node, c.replicas, c.part_power
    )?;
    let workers_zone =
        c.workers_zone.map_or("outside".to_owned(), |zone| format!("in zone:{zone}"));
    writeln!(
        out,
        "hosts     {} proxies, {} workers {workers_zone}, {} clients",
        c.proxies, c.workers, c.clients
    )?;
    if let Some(rest) = c.replicate {
        writeln!(out, "replicate every {}", exact_duration(rest))?;
    }
    writeln!(out, "node      {}", machine(&scenario.node))?;
    writeln!(out, "worker    {}", machine(&scenario.worker))?;
    write_network(plan, out)?;
    let total: u64 = plan.objects.iter().map(|object| object.content.len() as u64).sum();
    writeln!(out, "data      {} objects, {}", plan.objects.len(), bytes(total))?;
    for image in &scenario.images {
        writeln!(out, "image     {} ({})", image.name, image.file.display())?;
    }
    for work in &scenario.work {
        writeln!(out, "work      {}", work_words(work))?;
    }
    for load in &scenario.load {
        writeln!(out, "load      {}", load_words(load))?;
    }
    for source in scenario.data.iter().filter(|source| source.key.starts_with("--data")) {
        let (name, path) = (&source.name, source.name.swift_path());
        let reads = |work: &Work| {
            work.objects.contains(name) || work.jobs.iter().any(|job| job.text.contains(&path))
        };
        if !scenario.work.iter().any(reads) {
            writeln!(out, "note      no job reads {name}, which --data put into the store")?;
        }
    }
    for fault in scenario.faults.iter().take(FAULTS_SHOWN) {
        let off = if plan.faults { "" } else { " (left out)" };
        writeln!(out, "fault     {fault}{off}")?;
    }
    if scenario.faults.len() > FAULTS_SHOWN {
        writeln!(out, "fault     … and {} more", scenario.faults.len() - FAULTS_SHOWN)?;
    }
    for expectation in &scenario.expect {
        writeln!(out, "expect    {} {}", expectation.figure.key(), expectation.comparison)?;
    }
    writeln!(out)
}

fn write_network(plan: &RunPlan, out: &mut dyn Write) -> io::Result<()> {
    if plan.net == Net::Tcp {
        let not = "not the links, network cards, disk rates, cores and fuel rates of the scenario";
        let real = "the loopback, disks and cores of this machine, in real time";
        return writeln!(out, "network   {real}; {not}");
    }
    let n = &plan.scenario.network;
    writeln!(
        out,
        "network   same zone {}; cross zone {}; cross region {}; client {}; worker {}{}",
        link(&n.same_zone),
        link(&n.cross_zone),
        link(&n.cross_region),
        link(&n.client),
        link(&n.worker),
        if n.slow_start { "; slow start" } else { "" }
    )
}

fn machine(machine: &MachineConfig) -> String {
    let room = |capacity| format!(", capacity {}", exact_size(capacity));
    let capacity = machine.disk.capacity.map_or(String::new(), room);
    format!(
        "{} cores of {} fuel/s, nic {}, disk read {}, write {}, seek {}{capacity}; {} sessions and {} queued, \
         start {}, compile {}",
        machine.cores,
        count(machine.fuel_per_second.get()),
        bit_rate(machine.nic),
        byte_rate(machine.disk.read),
        byte_rate(machine.disk.write),
        exact_duration(machine.disk.seek),
        machine.sessions.running,
        machine.sessions.queued,
        exact_duration(machine.sessions.start),
        byte_rate(machine.sessions.compile)
    )
}

fn link(link: &LinkConfig) -> String {
    let trunk = link.trunk.map_or(String::new(), |trunk| format!(" trunk {}", bit_rate(trunk)));
    let jitter = match link.jitter {
        Jitter::None => String::new(),
        Jitter::Uniform { max } => format!(" jitter uniform {}", exact_duration(max)),
        Jitter::Exponential { mean } => format!(" jitter exponential {}", exact_duration(mean)),
    };
    let loss = match link.loss {
        Chance::NEVER => String::new(),
        loss => format!(" loss {}", chance(loss)),
    };
    format!("{}{jitter}{loss}{trunk}", exact_duration(link.latency))
}

fn work_words(work: &Work) -> String {
    let pick = work.pick;
    let count = work.objects.len();
    let weights: Vec<_> = work.jobs.iter().map(|job| job.weight.to_string()).collect();
    let mix = match weights.len() {
        1 => String::new(),
        kinds => format!(" of {kinds} descriptions ({})", weights.join(" : ")),
    };
    format!(
        "{} jobs{mix} over {} ({count} objects), pick {pick}, {}",
        work.runs, work.pattern, work.arrivals
    )
}

fn load_words(load: &Load) -> String {
    let (read, count) = (chance(load.read), load.objects.len());
    format!("{} requests, {read} reads over {count} objects, pick {}", load.arrivals, load.pick)
}
