// SPDX-License-Identifier: Apache-2.0
// The prose of docs/EVENTS.md, in the order of the page. Whatever the registry knows stands in docs_page.cpp instead.
#pragma once
#include <string_view>

namespace castra::contract::prose {

inline constexpr std::string_view opening = R"(
This page is made from the registry (`kernel/contract/`) by `castra contract docs` and checked by a test: do not edit it. A type
stands here when it is registered; an operation that is not built yet does not emit its types ([ARCHITECTURE.md](ARCHITECTURE.md)).
How the contract may change: [CONTRACT_CHANGES.md](CONTRACT_CHANGES.md). The same facts for programs:

| command | prints |
|---|---|
| `castra contract schema` | the JSON Schema of an event; `--closed` refuses what is unknown, `--draft-07` for older validators |
| `castra contract samples` | one sample line of every type |
| `castra contract fields` | the field dictionary: one name has one JSON type and one unit everywhere |
| `castra contract typescript` | a TypeScript module for readers |
| `castra contract snapshot` | everything on this page that a program can compare |
| `castra contract diff OLD [NEW]` | what changed between two snapshots, and the version it needs |
)";

inline constexpr std::string_view wire = R"(
## Wire
- NDJSON: one JSON object a line, UTF-8, LF. With `--events ndjson` nothing else is written to that descriptor, from its first
  byte on; a usage error is a `command.rejected` and a `summary` too.
- A line has at most 64 KiB with its LF. What is longer is cut at its longest strings, and `truncated` is set;
  `data_ref` names the file that holds it whole, where there is one.
- Integers stay within 2^53-1. There is no null, no ANSI sequence, no NUL, no key twice. Zero and "" are written; absence means
  absence.
- Texts of one line hold no control character; line feed and tab stand only in fields of several lines.
- An event is a fact of the past, unless its type says otherwise. It is in the journal before anybody is told.
)";

inline constexpr std::string_view severity = R"(
## Severity
The only field by which a program may decide whether to wake somebody. The last two columns are where it stands on the scales of
OpenTelemetry (SeverityNumber) and syslog.

)";

inline constexpr std::string_view envelope = R"(
## Envelope
Flat: the envelope's fields stand beside those of the type. "Required" fields stand on every event; the others where they
apply. *since* is the version of the contract that a field came with.

)";

inline constexpr std::string_view extensions = R"(
## Types of plugins
`x.<plugin>.<name>`, family `message`: the envelope, with what the plugin has to say in `ext`. Show `message`; what `ext` holds is
between you and that plugin. `x.grease.*` and a field `grease` in every object are what `--grease` adds to a stream, for readers who
want to know that they pass over what a later minor may bring.
)";

inline constexpr std::string_view rules = R"(
## Rules
The bus checks each event before it is written. One that breaks a rule is kept out of the stream, put whole into the
quarantine file of the run, and replaced by a `message` with `code` `contract_violation`, whose `rule` is the number here. With
`--strict` the run fails with exit code 7. `castra events verify` asks the same of a stream that is there.

)";

inline constexpr std::string_view exit_codes = R"(
## Exit codes
In `exit_code` of `summary`, and what the process exits with. What each leaves behind: [ERRORS.md](ERRORS.md).

)";

inline constexpr std::string_view durability = R"(
## Durability
The journal is synced at `command.*`, `cleanup.*`, `summary`, `vm.overlay_discarded` and everything of severity `warn` and
above. Other events are written at once and reach the disk when the system sees fit.
)";

} // namespace castra::contract::prose
