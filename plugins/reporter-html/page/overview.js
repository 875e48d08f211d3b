// The verdict, the failures, and what was promised beside what came of it.
function draw_verdict(run) {
  const first = run.events[0] || {};
  const operation = text_in(first, "operation") || "run";
  const project = text_in(first, "project");
  at("title").textContent = printable("castra " + operation + (project ? " · " + project : ""));
  document.title = at("title").textContent;
  const verdict = at("verdict");
  if (!run.summary) {
    verdict.className = "soft";
    verdict.textContent = run.events.length ? "running for " + seconds(run.end) : "no events yet";
    return;
  }
  const outcome = text_in(run.summary, "outcome");
  verdict.className = outcome === "succeeded" ? "good" : outcome === "partial" || outcome === "cancelled" ? "warn" : "error";
  verdict.textContent = printable(outcome) + " in " + seconds(number_in(run.summary, "duration_ms") / 1e3) + ", exit code " + number_in(run.summary, "exit_code");
}

const failures_max = 100;

function draw_failures(run, show_event) {
  at("failures-section").hidden = run.failures.length === 0;
  const cards = run.failures.slice(0, failures_max).map((event) => {
    const capsule = event.capsule && typeof event.capsule === "object" ? event.capsule : {};
    const error = event.error && typeof event.error === "object" ? event.error : {};
    const ended = Number.isFinite(event.exit_code) ? "exit code " + event.exit_code : text_in(event, "signal");
    const facts = [text_in(capsule, "phase") && "phase " + text_in(capsule, "phase"), ended, text_in(error, "code")].filter(Boolean).join(" · ");
    const detail = text_in(error, "detail") || text_in(event, "detail");
    const cures = [...new Set([text_in(event, "remediation"), text_in(capsule, "hint")].filter(Boolean))];
    const button = element("button", { type: "button" }, "Show event " + number_in(event, "seq"));
    button.addEventListener("click", () => show_event(event));
    return element("article", { class: "card" },
      element("h3", {}, element("span", { class: event.severity === "blocker" ? "blocker" : "error" }, printable(event.severity) + ": "), printable(text_in(event, "vm") ? text_in(event, "vm") + ": " : ""), printable(text_in(event, "message"))),
      facts && element("p", { class: "soft" }, printable(facts)),
      detail && detail !== text_in(event, "message") && element("p", {}, printable(detail)),
      text_in(capsule, "serial_tail") && element("pre", { tabindex: "0", role: "region", "aria-label": "Last output" }, printable(text_in(capsule, "serial_tail"))),
      ...cures.map((cure) => element("p", {}, element("strong", {}, "Try: "), printable(cure))),
      button);
  });
  if (run.failures.length > failures_max) cards.push(element("p", {}, "and " + (run.failures.length - failures_max) + " more, in the list below"));
  at("failures").replaceChildren(...cards);
}

function draw_plan(run) {
  const results = new Map(list_in(run.summary, "vms").filter(Boolean).map((vm) => [text_in(vm, "vm"), vm]));
  const rows = [];
  const row = (what, plan, actual, is_good) => rows.push(element("tr", {}, element("td", {}, printable(what)), element("td", {}, printable(plan)),
    element("td", { class: is_good === undefined ? "soft" : is_good ? "good" : "error" }, printable(actual))));
  const names = new Set(results.keys());
  for (const one of list_in(run.accepted, "expects")) if (one && one.kind === "vm") names.add(text_in(one, "name"));
  const operation = text_in(run.accepted, "operation") || "run";
  for (const name of names) {
    const result = results.get(name);
    const was_promised = list_in(run.accepted, "expects").some((one) => one && one.kind === "vm" && one.name === name);
    const good = result && ["succeeded", "unchanged"].includes(result.outcome);
    row(name, was_promised ? operation : "not asked for", result ? text_in(result, "outcome") + ", " + text_in(result, "final_state") + (text_in(result, "reason") ? ": " + text_in(result, "reason") : "") : run.summary ? "never concluded" : "under way", result ? good : run.summary ? false : undefined);
    const plan = run.plans.get(name);
    if (!plan) continue;
    const steps = run.events.filter((event) => event.type === "bootstrap.step" && event.vm === name);
    const done = steps.map((step) => text_in(step, "step") + " " + text_in(step, "status")).join(", ");
    row(name + " bootstrap", text_in(plan, "action").replace("_", " ") + (list_in(plan, "steps").length ? ": " + list_in(plan, "steps").join(", ") : ""), done || "nothing ran",
      steps.some((step) => step.status === "failed") ? false : steps.length > 0 || plan.action === "would_skip" ? true : undefined);
  }
  for (const one of list_in(run.accepted, "expects")) {
    if (!one || one.kind !== "broker") continue;
    const last = run.events.filter((event) => event.type === "broker.started" || event.type === "broker.stopped").pop();
    row("broker " + text_in(one, "name"), operation, last ? text_in(last, "message") || last.type : run.summary ? "never concluded" : "under way", last ? true : run.summary ? false : undefined);
  }
  at("plan-table").replaceChildren(
    element("thead", {}, element("tr", {}, ...["what", "promised", "actual"].map((head) => element("th", { scope: "col" }, head)))),
    element("tbody", {}, ...(rows.length ? rows : [element("tr", {}, element("td", { colspan: "3", class: "soft" }, run.rejected ? "The command was refused; nothing was touched." : "Nothing was promised."))])));
}
