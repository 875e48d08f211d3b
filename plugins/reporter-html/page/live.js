// Events of a server: told from the beginning of the latest run, then as they happen. After a lost connection the
// browser asks again with the last id, and the server goes on behind it.
if (document.documentElement.dataset.live !== undefined) {
  list.follows = true;
  const state = at("connection");
  const say = (text, kind) => { state.hidden = false; state.textContent = text; state.className = kind; };
  let wait_ms = 250;
  let last_id = "";
  let source = null;
  const connect = () => {
    source = new EventSource("events" + location.search + (last_id ? "&after=" + encodeURIComponent(last_id) : ""));
    source.onopen = () => { wait_ms = 250; say("live", "good"); };
    source.onmessage = (message) => { last_id = message.lastEventId || last_id; take_line(message.data); };
    source.addEventListener("gap", (message) => trouble("Events are missing: " + message.data));
    source.onerror = () => {
      if (source.readyState !== EventSource.CLOSED) return say("connection lost, trying again", "warn"); // it does so itself
      say("connection lost, trying again", "warn");
      setTimeout(connect, wait_ms);
      wait_ms = Math.min(5000, wait_ms * 2);
    };
  };
  connect();
  setInterval(() => { // bars that are still open grow
    if (!current || current.summary || !current.events.length) return;
    const first = Date.parse(text_in(current.events[0], "time"));
    const now = (Date.now() - first) / 1000;
    if (now > current.end && now < current.end + 3600) { current.end = now; schedule(); }
  }, 1000);
}
