// What the events of one run add up to. Takes them one by one, in order, knows nothing of the page. Unknown types and
// fields of the wrong type are shown as events and otherwise ignored.
const severities = ["progress", "info", "warn", "error", "blocker"];
const level_of = (event) => Math.max(1, severities.indexOf(event.severity)) - (event.severity === "progress" ? 1 : 0);

class Run {
  constructor(run_id) {
    this.run_id = run_id;
    this.events = [];
    this.vms = new Map();
    this.types = new Set();
    this.failures = [];
    this.plans = new Map(); // bootstrap.planned by VM
    this.accepted = null;
    this.rejected = null;
    this.summary = null;
    this.end = 0; // seconds, of the latest event
    this.last_seq = 0;
  }

  take(event) {
    const seq = number_in(event, "seq");
    if (seq && seq <= this.last_seq) return false; // sent again after a lost connection
    if (seq > this.last_seq + 1 && this.last_seq) this.events.push({ gap: true, from: this.last_seq + 1, to: seq - 1, elapsed_us: event.elapsed_us });
    this.last_seq = seq || this.last_seq;
    this.events.push(event);
    const type = text_in(event, "type");
    const now = number_in(event, "elapsed_us") / 1e6;
    this.types.add(type);
    this.end = Math.max(this.end, now);
    if (type === "command.accepted") {
      this.accepted = event;
      for (const vm of list_in(event, "expects")) if (vm && vm.kind === "vm") this.vm(text_in(vm, "name"));
    }
    if (type === "command.rejected") this.rejected = event;
    if (type === "summary") this.summary = event;
    if (type === "bootstrap.planned") this.plans.set(text_in(event, "vm"), event);
    if (level_of(event) >= 3 && type !== "summary") this.failures.push(event);
    const vm = text_in(event, "vm");
    if (vm) this.vm(vm).take(event, type, now);
    return true;
  }

  vm(name) {
    if (!this.vms.has(name)) this.vms.set(name, new Machine(name));
    return this.vms.get(name);
  }

  // From the end backwards: what the run waited for at each moment. A VM that waited for its turn hands over to the one
  // whose end let it begin.
  critical_path() {
    const path = [];
    let vm = [...this.vms.values()].filter((one) => one.segments.length).sort((a, b) => b.work_end() - a.work_end())[0];
    let until = Infinity;
    while (vm && path.length < 1000) {
      const before = path.length;
      for (const segment of [...vm.segments].reverse()) {
        if (segment.kind === "run" || segment.from >= until || (path.length && segment.to > until + 1e-6)) continue;
        path.push({ vm: vm.name, segment });
        until = segment.from;
      }
      if (path.length === before) break;
      const waited = until;
      vm = waited <= 0.02 ? null : [...this.vms.values()]
        .map((one) => ({ one, to: Math.max(-1, ...one.segments.filter((s) => s.kind !== "run" && s.to <= waited + 1e-6).map((s) => s.to)) }))
        .filter(({ to }) => to > waited - 0.5 && to > 0).sort((a, b) => b.to - a.to).map(({ one }) => one)[0];
    }
    return path.reverse();
  }
}

// One VM: what it did from when to when.
class Machine {
  constructor(name) {
    this.name = name;
    this.segments = []; // {kind, label, from, to}, ordered; the last one may be open (to follows the clock)
    this.marks = []; // {severity, at, message}
    this.state = "waiting";
    this.message = "";
    this.progress = null;
  }

  take(event, type, now) {
    this.message = text_in(event, "message");
    this.progress = event.progress && typeof event.progress === "object" ? event.progress : null;
    if (level_of(event) >= 2) this.marks.push({ severity: event.severity, at: now, message: this.message });
    const open = this.segments[this.segments.length - 1];
    if (open && open.open) open.to = now;
    switch (type) {
      case "vm.image_verified": case "vm.overlay_prepared": return this.go("prepare", "prepare", now);
      case "vm.launch": return this.go("boot", "boot", now);
      case "vm.ready": return this.go("run", "ready", now);
      case "bootstrap.started": return this.go("bootstrap", "bootstrap", now);
      case "bootstrap.step": return this.step(event, now);
      case "bootstrap.completed": return this.go("run", "ready", now);
      case "bootstrap.failed": return this.go("run", "bootstrap failed", now);
      case "vm.shutdown_requested": return this.go("stop", "stop", now);
      case "vm.shutdown_complete": return this.finish("stopped", now);
      case "vm.exited": if (!event.expected) this.finish("exited", now); return;
      default: if (!open) this.go("prepare", "prepare", now);
    }
  }

  go(kind, label, now) {
    const last = this.segments[this.segments.length - 1];
    this.state = label;
    if (last && last.open && last.label === label) return;
    if (last) last.open = false;
    this.segments.push({ kind, label, from: now, to: now, open: true });
  }

  // A step tells when it is over and how long it took.
  step(event, now) {
    const last = this.segments[this.segments.length - 1];
    const began = Math.max(now - number_in(event, "duration_ms") / 1e3, last ? last.from : 0);
    if (last && last.open && last.label === "bootstrap") {
      last.to = began;
      last.open = false;
      if (last.to - last.from < 0.001) this.segments.pop();
    }
    this.segments.push({ kind: "bootstrap", label: "bootstrap " + text_in(event, "step"), from: began, to: now, open: false });
    this.segments.push({ kind: "bootstrap", label: "bootstrap", from: now, to: now, open: true });
    this.state = "bootstrap";
  }

  finish(state, now) {
    const last = this.segments[this.segments.length - 1];
    if (last) { last.to = now; last.open = false; }
    this.state = state;
  }

  work_end() {
    return Math.max(0, ...this.segments.filter((one) => one.kind !== "run").map((one) => one.to));
  }
}
