// SPDX-License-Identifier: Apache-2.0
#include "contract/monitor.hpp"

#include "contract/shape.hpp"

namespace castra::contract {

Check Monitor::admit(const Json& event) {
    if (auto bad = check_shape(event)) return bad;
    if (auto bad = run_.check(event)) return bad;
    VmOrder* vm = nullptr;
    if (event["family"] == "vm.lifecycle") {
        vm = &vms_[event["vm"].get<std::string>()];
        if (auto bad = vm->check(event)) return bad;
    }
    if (event["type"] == "command.accepted")
        for (const auto& running : event["running"])
            vms_[running["name"].get<std::string>()] = VmOrder::running();
    run_.commit(event);
    if (vm) vm->commit(event);
    return {};
}

} // namespace castra::contract
