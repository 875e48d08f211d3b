// Events that stand in this file.
for (const line of at("data").textContent.split("\n")) if (line.trim()) take_line(line);
