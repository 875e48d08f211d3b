// Puts it together: the events come from this file (a report) or from the server that sent it (castra watch --web).
const runs = new Map();
let current = null;
let chosen_vm = "";
let scheduled = false;

const list = new EventList(draw_detail);

function show_event(event) {
  at("filters").reset();
  apply_filters();
  list.choose(list.shown.indexOf(event));
  at("events").focus();
}

function choose_vm(name) {
  at("filter-vm").value = name;
  apply_filters();
}

function apply_filters() {
  chosen_vm = at("filter-vm").value;
  list.filter = { text: at("filter-text").value.toLowerCase(), level: Number(at("filter-severity").value), vm: chosen_vm, type: at("filter-type").value };
  list.refilter();
  if (current) draw_timeline(current, chosen_vm, choose_vm);
}

function options(select, values, label) {
  const there = new Set([...select.options].map((option) => option.value));
  for (const value of values) if (!there.has(value)) select.append(element("option", { value }, printable(label ? label(value) : value)));
}

function draw() {
  scheduled = false;
  if (!current) return;
  draw_verdict(current);
  draw_failures(current, show_event);
  draw_timeline(current, chosen_vm, choose_vm);
  draw_plan(current);
  options(at("filter-vm"), [...current.vms.keys()]);
  const families = new Set([...current.types].filter((type) => type.includes(".")).map((type) => type.split(".")[0] + ".*"));
  options(at("filter-type"), [...families, ...current.types].sort());
  list.grow();
}

function schedule() {
  if (!scheduled) requestAnimationFrame(draw);
  scheduled = true;
}

function choose_run(run) {
  if (current === run) return;
  current = run;
  at("runs").value = run.run_id;
  list.set_run(run);
  draw_detail(null);
  schedule();
}

// A line that is no event is told, and the rest goes on.
function take_line(line) {
  let event = null;
  try {
    event = JSON.parse(line);
  } catch { /* told below */ }
  if (!event || typeof event !== "object" || typeof event.run_id !== "string") return trouble("A line is no event: " + line.slice(0, 80));
  if (!String(event.contract).startsWith("1.")) return trouble("This page knows event contract 1, not " + event.contract + ".");
  let run = runs.get(event.run_id);
  if (!run) {
    run = new Run(event.run_id);
    runs.set(run.run_id, run);
    at("runs").append(element("option", { value: run.run_id }, printable(text_in(event, "operation") + " " + text_in(event, "time").slice(0, 19))));
    at("runs-label").hidden = runs.size < 2;
    const is_first = !current || [...runs.keys()][runs.size - 2] === current.run_id; // who looks at an old run goes on with it
    if (is_first) choose_run(run);
  }
  run.take(event);
  if (run === current) schedule();
}

function trouble(text) {
  at("trouble").hidden = false;
  at("trouble").className = "error";
  at("trouble").textContent = printable(text);
}

at("filters").addEventListener("input", apply_filters);
at("filters").addEventListener("submit", (submit) => submit.preventDefault());
at("filters").addEventListener("reset", () => setTimeout(apply_filters));
at("runs").addEventListener("change", () => choose_run(runs.get(at("runs").value)));
at("theme").addEventListener("change", () => {
  if (at("theme").value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = at("theme").value;
});
at("detail").addEventListener("keydown", (key) => { if (key.key === "Escape") at("events").focus(); });

draw_legend();
draw_detail(null);
