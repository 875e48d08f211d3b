// SPDX-License-Identifier: Apache-2.0
#include "operations/preflight.hpp"

#include "contract/text.hpp"

namespace castra {

void Findings::add(std::string text, std::string hint, ErrorCode code) {
    if (said_.insert(text).second) list_.push_back({code, std::move(text), std::move(hint)});
}

std::vector<Error> PreflightReport::refusals(bool force) const {
    auto all = findings;
    if (!force) all.insert(all.end(), scarce.begin(), scarce.end());
    return all;
}

void tell_scarce(EventBus& bus, const std::vector<Error>& scarce) {
    for (const auto& finding : scarce)
        bus.publish(contract::message(contract::Severity::warn, contract::clean_text(finding.text, 2048, true),
                                      "scarce_resources")
                        .cure(contract::clean_text(finding.hint, 1024, true)));
}

PreflightReport preflight(Host& host, const PreflightWish& wish) {
    Starting starting;
    for (const auto& spec : wish.specs)
        if (!wish.running.contains(spec.vm.name)) starting.push_back(&spec);
    Findings findings, scarce;
    check_needs(host, wish, starting, findings);
    check_images(wish, starting, findings);
    check_socket_paths(wish, starting, findings);
    check_directories(wish, starting, findings);
    if (!starting.empty()) {
        check_resources(machine_resources(), starting, scarce);
        check_disks(disk_space, wish.layout.state_dir(), starting, scarce);
    }
    return {findings.take(), scarce.take()};
}

} // namespace castra
