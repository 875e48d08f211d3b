// SPDX-License-Identifier: Apache-2.0
// castra contract ...: everything that is made from the contract's registry, printed on stdout, and the differ. Needs
// no project, opens no run and emits no event.
#include "cli/app.hpp"
#include "cli/commands.hpp"
#include "cli/grammar.hpp"

#include "contract/dictionary.hpp"
#include "contract/docs_page.hpp"
#include "contract/samples.hpp"
#include "contract/schema.hpp"
#include "contract/snapshot.hpp"
#include "contract/snapshot_diff.hpp"
#include "contract/typescript.hpp"
#include "host/files.hpp"
#include "operations/exit_code.hpp"

#include <cstdio>

namespace castra {
namespace {

enum class What { schema, docs, samples, fields, typescript, snapshot, diff };

struct ContractRequest {
    bool closed = false, draft_07 = false;        // of schema
    std::string old_snapshot, new_snapshot = "."; // of diff: a file, or "." for this build's registry
    bool json = false;                            // of diff
};

constexpr std::size_t snapshot_bytes_max = 8U << 20U;

constexpr const char* about = R"(
The contract says what the lines of `--events ndjson` and of the journal are: types, fields, order, and how all that may
change. It is one registry in castra's source; everything below is made from it, so that nothing is written twice.

  For readers of the stream
    castra contract schema > castra.schema.json          validate lines with any JSON Schema library
    castra contract typescript > castra-events.ts        types for a TypeScript program
    castra contract samples | jq -c 'select(.type == "vm.ready")'
                                                         what an event looks like, without running anything
    castra contract fields | jq '.fields[] | select(.name == "boot_ms")'
                                                         JSON type, unit and places of a field
    castra contract docs | less                          the whole contract for people (docs/EVENTS.md)

  For those who change it
    castra contract snapshot > new.json                  every fact a reader can rely on, as JSON
    castra contract diff tests/contract/snapshots/1.0.json
                                                         what this build changes, and the version that needs
    castra contract diff old.json new.json --json        the same of two files, for a program

A reader ignores unknown fields, shows `message` of an unknown type, and refuses another major. The checklist of changes:
docs/CONTRACT_CHANGES.md.

Exit codes of diff: 0 the version covers the changes, 7 it does not, 2 a file is no snapshot, 10 no such file.)";

std::string schema(const ContractRequest& request) {
    const auto form = request.closed ? contract::SchemaForm::closed : contract::SchemaForm::open;
    const auto vocabulary =
        request.draft_07 ? contract::SchemaVocabulary::draft_07 : contract::SchemaVocabulary::draft_2020_12;
    return contract::event_schema(form, vocabulary).dump(2) + "\n";
}

// The snapshot in a file, or of this build.
Result<contract::Json> snapshot_at(const std::string& path) {
    if (path == ".") return contract::snapshot();
    const auto text = files::read(path, snapshot_bytes_max);
    if (!text) return tl::unexpected(text.error().within("compare contracts"));
    auto read = contract::read_snapshot(*text);
    if (!read)
        return tl::unexpected(Error{ErrorCode::usage, "compare contracts: " + path + ": " + read.error(),
                                    "castra contract snapshot > FILE makes one"});
    return std::move(*read);
}

int refuse(const ContractRequest& request, const Error& error) {
    if (request.json)
        print(contract::Json{{"ok", false},
                             {"error", {{"code", to_string(error.code)}, {"text", error.text}, {"hint", error.hint}}}}
                  .dump(2) +
              "\n");
    std::fprintf(stderr, "castra: %s%s\n", error.text.c_str(),
                 error.hint.empty() ? "" : (" (" + error.hint + ")").c_str());
    return exit_code::of(error.code);
}

int diff(const ContractRequest& request) {
    const auto before = snapshot_at(request.old_snapshot);
    if (!before) return refuse(request, before.error());
    const auto after = snapshot_at(request.new_snapshot);
    if (!after) return refuse(request, after.error());
    const auto found = contract::diff_snapshots(*before, *after);
    print(request.json ? contract::to_json(found).dump(2) + "\n" : contract::to_text(found));
    return found.is_satisfied ? exit_code::succeeded : exit_code::contract_violation;
}

Task<int> make(What what, ContractRequest request) {
    switch (what) {
    case What::schema:
        print(schema(request));
        break;
    case What::docs:
        print(contract::docs_page());
        break;
    case What::samples:
        print(contract::sample_lines());
        break;
    case What::fields:
        print(contract::to_json(contract::dictionary(), contract::contract_version).dump(2) + "\n");
        break;
    case What::typescript:
        print(contract::typescript_module());
        break;
    case What::snapshot:
        print(contract::snapshot().dump(2) + "\n");
        break;
    case What::diff:
        co_return diff(request);
    }
    co_return exit_code::succeeded;
}

} // namespace

void add_contract(Grammar& grammar) {
    auto contract = grammar.add_group("contract", "The event contract: schema, docs, samples, types, differ");
    contract.footer(about);
    const auto request = Grammar::options<ContractRequest>();
    const auto command = [&](const char* name, What what, const char* help) {
        return grammar.add(
            name, help,
            [request, what](App&, const CommandLine& line) {
                request->json = line.json;
                return make(what, *request);
            },
            contract);
    };
    auto schema = command("schema", What::schema, "The JSON Schema of one event");
    schema.flag("--closed", request->closed, "Refuse unknown fields and types; default: open, for readers");
    schema.flag("--draft-07", request->draft_07, "In the vocabulary of draft-07; default: 2020-12");
    command("docs", What::docs, "The contract for people: docs/EVENTS.md");
    command("samples", What::samples, "One sample event of every type, NDJSON");
    command("fields", What::fields, "The field dictionary, JSON").alias("dictionary");
    command("typescript", What::typescript, "A TypeScript module with the types of all events");
    command("snapshot", What::snapshot, "The registry as JSON: what diff compares");
    auto diff = command("diff", What::diff, "Name what changed between two snapshots and the version it needs");
    diff.option("old", request->old_snapshot, "A snapshot, or . for this build").required().type_name("OLD");
    diff.option("new", request->new_snapshot, "Another; default: . for this build").type_name("NEW");
    grammar.add_json(diff);
    diff.footer("\nThe rows that it names are explained in docs/CONTRACT_CHANGES.md.\n"
                "Exit codes: 0 the version of NEW covers the changes, 7 it does not, 2 no snapshot, 10 no such file.");
}

} // namespace castra
