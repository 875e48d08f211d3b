// The list of events: only the rows that are in sight exist. A listbox for assistive technology: one stop in the tab
// order, the chosen row is its active descendant.
const row_height = 24;

class EventList {
  constructor(on_choose) {
    this.box = at("events");
    this.rows = at("events-rows");
    this.on_choose = on_choose;
    this.run = null;
    this.shown = []; // of run.events, filtered
    this.seen = 0; // how many of run.events the filter has looked at
    this.chosen = -1; // index in shown
    this.filter = { text: "", level: 0, vm: "", type: "" };
    this.texts = new WeakMap();
    this.box.addEventListener("scroll", () => this.draw());
    this.box.addEventListener("keydown", (key) => this.on_key(key));
    this.box.addEventListener("click", (click) => {
      const row = click.target.closest("[data-index]");
      if (row) this.choose(Number(row.dataset.index));
    });
    new ResizeObserver(() => this.draw()).observe(this.box);
  }

  set_run(run) {
    this.run = run;
    this.refilter();
  }

  refilter() {
    const event = this.shown[this.chosen];
    this.shown = [];
    this.seen = 0;
    this.chosen = -1;
    this.grow();
    if (event) this.chosen = this.shown.indexOf(event);
    if (this.chosen >= 0) this.scroll_to(this.chosen);
    else if (!this.follows) this.box.scrollTop = 0;
    this.draw();
  }

  // Looks at the events that came since.
  grow() {
    if (!this.run) return;
    const was_at_end = this.follows && this.box.scrollTop + this.box.clientHeight >= this.shown.length * row_height - row_height;
    for (; this.seen < this.run.events.length; ++this.seen)
      if (this.admits(this.run.events[this.seen])) this.shown.push(this.run.events[this.seen]);
    this.rows.style.height = this.shown.length * row_height + "px";
    at("filter-count").textContent = this.shown.length === this.run.events.length ? this.shown.length + " events" : this.shown.length + " of " + this.run.events.length + " events";
    if (was_at_end) this.box.scrollTop = this.shown.length * row_height;
    this.draw();
  }

  admits(event) {
    const { text, level, vm, type } = this.filter;
    if (event.gap) return true; // never hidden
    if (level && level_of(event) < level) return false;
    if (vm && event.vm !== vm) return false;
    if (type && event.type !== type && !(type.endsWith(".*") && String(event.type).startsWith(type.slice(0, -1)))) return false;
    return !text || this.text_of(event).includes(text);
  }

  text_of(event) {
    let text = this.texts.get(event);
    if (text === undefined) this.texts.set(event, (text = JSON.stringify(event).toLowerCase()));
    return text;
  }

  draw() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / row_height) - 8);
    const last = Math.min(this.shown.length, Math.ceil((this.box.scrollTop + this.box.clientHeight) / row_height) + 8);
    const rows = [];
    for (let index = first; index < last; ++index) rows.push(this.row(index));
    if (this.chosen >= 0 && (this.chosen < first || this.chosen >= last)) rows.push(this.row(this.chosen));
    this.rows.replaceChildren(...rows);
    if (this.chosen >= 0) this.box.setAttribute("aria-activedescendant", "event-" + this.chosen);
    else this.box.removeAttribute("aria-activedescendant");
  }

  row(index) {
    const event = this.shown[index];
    const row = element("div", { class: "event" + (event.gap ? " gap" : ""), id: "event-" + index, role: "option", "aria-selected": String(index === this.chosen),
      "aria-posinset": index + 1, "aria-setsize": this.shown.length, "data-index": index },
      element("span", { class: "number soft" }, seconds(number_in(event, "elapsed_us") / 1e6)),
      element("span", { class: level_of(event) >= 2 ? event.severity : "soft" }, event.gap ? "gap" : printable(text_in(event, "severity"))),
      element("span", { class: "vm" }, printable(text_in(event, "vm"))),
      element("span", {}, event.gap ? "events " + event.from + " to " + event.to + " are not here" : printable(text_in(event, "message") || text_in(event, "type"))));
    row.style.top = index * row_height + "px";
    return row;
  }

  choose(index) {
    if (this.shown.length === 0) return;
    this.chosen = Math.max(0, Math.min(this.shown.length - 1, index));
    this.scroll_to(this.chosen);
    this.draw();
    this.on_choose(this.shown[this.chosen]);
  }

  scroll_to(index) {
    const top = index * row_height;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    else if (top + row_height > this.box.scrollTop + this.box.clientHeight) this.box.scrollTop = top + row_height - this.box.clientHeight;
  }

  on_key(key) {
    const page = Math.max(1, Math.floor(this.box.clientHeight / row_height) - 1);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (key.key in moves && !key.ctrlKey && !key.altKey && !key.metaKey) {
      key.preventDefault();
      const from = this.chosen < 0 && moves[key.key] > 0 && moves[key.key] !== Infinity ? -1 : Math.max(0, this.chosen);
      this.choose(moves[key.key] === Infinity ? this.shown.length - 1 : moves[key.key] === -Infinity ? 0 : from + moves[key.key]);
    } else if (key.key === "Enter" && this.chosen >= 0) {
      at("detail").focus();
    }
  }
}

function draw_detail(event) {
  if (!event) return at("detail").replaceChildren(element("p", { class: "soft" }, "Choose an event."));
  if (event.gap) return at("detail").replaceChildren(element("p", {}, "Events " + event.from + " to " + event.to + " were not delivered."));
  at("detail").replaceChildren(
    element("h3", {}, printable(text_in(event, "type")), " ", element("span", { class: "soft" }, "#" + number_in(event, "seq"))),
    element("p", {}, printable(text_in(event, "message"))),
    text_in(event, "remediation") && element("p", {}, element("strong", {}, "Try: "), printable(text_in(event, "remediation"))),
    element("pre", {}, printable(JSON.stringify(event, null, 2))));
}
