// The timeline: a row for each VM, bars for what it did, marks for warnings and errors; the critical path is underlined
// and stands below as a table.
const kinds = [["prepare", "prepare"], ["boot", "boot"], ["bootstrap", "bootstrap"], ["run", "ready"], ["stop", "stop"]];

function draw_legend() {
  at("legend").replaceChildren(
    ...kinds.map(([kind, label]) => element("span", {}, element("i", { class: kind, "aria-hidden": "true" }), label)),
    element("span", {}, "underlined: critical path"));
}

function draw_timeline(run, chosen_vm, choose_vm) {
  const end = Math.max(run.end, 0.001);
  const path = run.critical_path();
  const critical = new Set(path.map((one) => one.segment));
  const percent = (value) => Math.min(100, (100 * value) / end).toFixed(3) + "%";

  const axis = element("div", { class: "row axis", "aria-hidden": "true" }, element("span"), element("div", { class: "track" }));
  for (let i = 0; i <= 4; ++i) {
    const tick = element("span", {}, seconds((end * i) / 4));
    tick.style.left = i * 25 + "%";
    axis.lastChild.append(tick);
  }
  const rows = [...run.vms.values()].map((vm) => {
    const track = element("div", { class: "track", "aria-hidden": "true" });
    for (const segment of vm.segments) {
      const to = segment.open && !run.summary ? end : segment.open ? Math.max(segment.to, segment.kind === "run" ? end : segment.to) : segment.to;
      const bar = element("i", { class: segment.kind + (critical.has(segment) ? " critical" : ""), title: printable(segment.label) + " " + seconds(to - segment.from) });
      bar.style.left = percent(segment.from);
      bar.style.width = percent(to - segment.from);
      track.append(bar);
    }
    for (const mark of vm.marks.slice(-50)) {
      const line = element("b", { class: mark.severity, title: printable(mark.message) });
      line.style.left = percent(mark.at);
      track.append(line);
    }
    const spoken = vm.segments.map((one) => one.label + " " + seconds(one.to - one.from)).join(", ");
    const button = element("button", { type: "button", "aria-pressed": String(vm.name === chosen_vm), title: "Show only its events",
      "aria-label": printable(vm.name + ": " + vm.state + (spoken ? "; " + spoken : "")) }, printable(vm.name));
    button.addEventListener("click", () => choose_vm(vm.name === chosen_vm ? "" : vm.name));
    return element("div", { class: "row" }, button, track);
  });
  const focused = document.activeElement && at("timeline").contains(document.activeElement) && document.activeElement !== at("timeline") ? document.activeElement.textContent : null;
  at("timeline").replaceChildren(axis, ...(rows.length ? rows : [element("p", { class: "soft" }, " No VM is concerned.")]));
  if (focused !== null) [...at("timeline").querySelectorAll("button")].find((one) => one.textContent === focused)?.focus();

  const total = path.reduce((sum, one) => sum + one.segment.to - one.segment.from, 0);
  at("path").hidden = path.length === 0;
  at("path-table").replaceChildren(
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "VM"), element("th", { scope: "col" }, "phase"),
      element("th", { scope: "col", class: "number" }, "from"), element("th", { scope: "col", class: "number" }, "took"), element("th", { scope: "col", class: "number" }, "share"))),
    element("tbody", {}, ...path.map(({ vm, segment }) => element("tr", {}, element("td", {}, printable(vm)), element("td", {}, printable(segment.label)),
      element("td", { class: "number" }, seconds(segment.from)), element("td", { class: "number" }, seconds(segment.to - segment.from)),
      element("td", { class: "number" }, total > 0 ? Math.round((100 * (segment.to - segment.from)) / total) + " %" : "")))));
}
