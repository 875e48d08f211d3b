// Events of a server: told from the beginning of the latest run, then as they happen. After a lost connection the
// browser asks again with the last id, and the server goes on behind it.
if (document.documentElement.dataset.live !== undefined) {
  list.follows = true;
  const state = at("connection");
  const say = (text, kind) => { state.hidden = false; state.textContent = text; state.className = kind; };
  const told = (message) => {
    try {
      return JSON.parse(message.data);
    } catch {
      return {};
    }
  };
  let wait_ms = 250;
  let last_id = "";
  const address = () => "events" + location.search + (last_id ? "&after=" + encodeURIComponent(last_id) : "");
  const later = () => {
    setTimeout(connect, wait_ms);
    wait_ms = Math.min(5000, wait_ms * 2);
  };
  // The browser gave up and does not say why: who answers, if anybody?
  const ask_why = async () => {
    const stop = new AbortController();
    const answer = await fetch(address(), { signal: stop.signal }).catch(() => null);
    stop.abort();
    if (answer && answer.status === 403) say("another castra watch is here now: open the address that it printed", "error");
    else later();
  };
  const connect = () => {
    const source = new EventSource(address());
    source.onopen = () => { wait_ms = 250; say("live", "good"); };
    source.onmessage = (message) => { last_id = message.lastEventId || last_id; take_line(message.data); };
    source.addEventListener("gap", (message) => trouble("Events are missing: " + text_in(told(message).gap, "detail")));
    source.addEventListener("trouble", (message) => trouble(text_in(told(message), "detail") + " " + text_in(told(message), "hint")));
    source.onerror = () => {
      say("connection lost, trying again", "warn");
      if (source.readyState === EventSource.CLOSED) ask_why(); // otherwise it tries itself
    };
  };
  at("verdict").textContent = "waiting for the first run: castra up";
  at("verdict").className = "soft";
  connect();
  setInterval(() => { // bars that are still open grow
    if (!current || current.summary || !current.events.length) return;
    const first = Date.parse(text_in(current.events[0], "time"));
    const now = (Date.now() - first) / 1000;
    if (now <= current.end || now >= current.end + 3600) return;
    current.end = now;
    for (const vm of current.vms.values()) for (const segment of vm.segments) if (segment.open) segment.to = now;
    schedule();
  }, 1000);
}
