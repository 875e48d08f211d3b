// SPDX-License-Identifier: Apache-2.0
#include "operations/up_findings.hpp"

#include "operations/bootstrap_modes.hpp"
#include "operations/bootstrap_subject.hpp"
#include "operations/image_phase.hpp"
#include "operations/machine_specs.hpp"
#include "operations/preflight.hpp"
#include "state/vm_record.hpp"

#include <algorithm>

namespace castra {

std::vector<Error> up_findings(Workshop& workshop, const Request& request, const Project& project) {
    auto wanted = project;
    auto findings = apply_bootstrap_modes(request.bootstrap, wanted.config);
    if (!findings.empty()) return findings;
    if (request.broker_only) return {};
    const auto& installation = workshop.installation();
    PluginSet plugins(installation, workshop.registry(), &project.config);
    const auto specs = machine_specs(installation, workshop.host().clock(), project, plugins, request.vms);
    if (!specs) return specs.error();
    PreflightWish wish{project.layout, *specs, {}, {}, {}};
    const auto recorded = recorded_vms(project.layout);
    if (!recorded) return {recorded.error()};
    for (const auto& vm : *recorded) {
        const auto record = load_record(project.layout, vm);
        if (!record) continue;
        // What a dead one has left behind holds its ports until the supervisor clears it away.
        (workshop.host().is_alive(record->process()) ? wish.running : wish.replaced).insert(vm);
    }
    wish.to_fetch = to_fetch(image_wishes(project.config, *specs, wish.running));
    findings = preflight(workshop.host(), wish).refusals(request.force);
    std::ranges::move(bootstrap_findings(workshop.host(), wanted, plugins, request.vms), std::back_inserter(findings));
    return findings;
}

std::string to_line(const std::vector<Error>& findings) {
    auto list = nlohmann::json::array();
    for (const auto& one : findings)
        list.push_back({{"code", static_cast<int>(one.code)}, {"text", one.text}, {"hint", one.hint}});
    return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<std::vector<Error>> parse_findings(const std::string& line) {
    std::vector<Error> findings;
    try {
        for (const auto& one : nlohmann::json::parse(line))
            findings.push_back({static_cast<ErrorCode>(one.at("code").get<int>()), one.at("text").get<std::string>(),
                                one.at("hint").get<std::string>()});
    } catch (const nlohmann::json::exception& error) {
        return fail(ErrorCode::protocol, std::string("findings: ") + error.what());
    }
    return findings;
}

} // namespace castra
