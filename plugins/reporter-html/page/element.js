// Everything that comes out of an event is hostile text: it becomes text nodes and attributes, never markup.
const at = (id) => document.getElementById(id);

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {}))
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : String(value));
  made.append(...children.filter((child) => child !== undefined && child !== null && child !== ""));
  return made;
}

// Control characters and marks that turn the direction of text are shown, not obeyed.
const harmful = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
const printable = (text) =>
  String(text).replace(harmful, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));

const text_in = (from, key) => (from && typeof from[key] === "string" ? from[key] : "");
const number_in = (from, key) => (from && Number.isFinite(from[key]) ? from[key] : 0);
const list_in = (from, key) => (from && Array.isArray(from[key]) ? from[key] : []);

function seconds(value) {
  if (value >= 3600) return Math.floor(value / 3600) + " h " + Math.floor((value % 3600) / 60) + " min";
  if (value >= 100) return Math.floor(value / 60) + " min " + (value % 60).toFixed(0) + " s";
  return value.toFixed(value < 10 ? 2 : 1) + " s";
}
