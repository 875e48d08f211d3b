// SPDX-License-Identifier: Apache-2.0
#include "state/record_head.hpp"

#include "host/files.hpp"

#include <algorithm>
#include <array>
#include <boost/json/basic_parser_impl.hpp>
#include <variant>

namespace castra {
namespace {

using Json = nlohmann::json;

struct HeadField {
    std::string_view key;
    std::variant<std::string VmRecord::*, std::int64_t VmRecord::*, std::uint64_t VmRecord::*> member;
};
constexpr std::array head_fields{
    HeadField{"boot_id", &VmRecord::boot_id},
    HeadField{"incarnation", &VmRecord::incarnation},
    HeadField{"launched_unix_us", &VmRecord::launched_unix_us},
    HeadField{"launcher", &VmRecord::launcher},
    HeadField{"name", &VmRecord::name},
    HeadField{"overlay", &VmRecord::overlay},
    HeadField{"phase", &VmRecord::phase},
    HeadField{"pid", &VmRecord::pid},
    HeadField{"ready_unix_us", &VmRecord::ready_unix_us},
    HeadField{"restart_attempt", &VmRecord::restart_attempt},
    HeadField{"restart_unix_us", &VmRecord::restart_unix_us},
    HeadField{"ssh_key", &VmRecord::ssh_key},
    HeadField{"start_ticks", &VmRecord::start_ticks},
    HeadField{"uuid", &VmRecord::uuid},
};

// Takes a record as the parser finds it and stops at the plan: no document is made of a thousand records. Knows what
// save_record writes and nothing else; at anything else it stops too, and the head is not whole. Its functions are what
// boost::json::basic_parser asks of a handler.
class HeadReader {
public:
    static constexpr std::size_t max_object_size = 64, max_array_size = 4096, max_key_size = 64, max_string_size = 4096;
    using View = boost::json::string_view;
    using Code = boost::json::error_code;

    // The record, when all of its head has come.
    std::optional<VmRecord> take() {
        if (!is_whole_) return std::nullopt;
        record_.plan["accelerator"] = std::move(*accelerator_);
        record_.plan["asks_state"] = *asks_state_;
        record_.spec["port_forwards"] = std::move(*forwards_);
        return std::move(record_);
    }

    bool on_document_begin(Code&) { return true; }
    bool on_document_end(Code&) { return true; }
    bool on_object_begin(Code& why) {
        if (++depth_ == 3) forwards_->push_back(Json::object());
        return depth_ == 1 || depth_ == 3 || stop(why);
    }
    bool on_object_end(std::size_t, Code&) {
        --depth_;
        return true;
    }
    bool on_array_begin(Code& why) {
        if (depth_ != 1 || key_ != "port_forwards") return stop(why);
        ++depth_;
        forwards_ = Json::array();
        return true;
    }
    bool on_array_end(std::size_t, Code&) {
        --depth_;
        return true;
    }
    bool on_key_part(View, std::size_t, Code& why) { return stop(why); } // it has an escape, or is cut
    bool on_key(View name, std::size_t, Code& why) {
        key_ = name;
        if (depth_ != 1 || key_ != "plan") return true;
        is_whole_ = accelerator_ && asks_state_ && forwards_;
        return stop(why);
    }
    bool on_string_part(View text, std::size_t, Code&) {
        begun_.append(text.data(), text.size());
        return true;
    }
    bool on_string(View text, std::size_t, Code& why) {
        begun_.append(text.data(), text.size());
        auto whole = std::exchange(begun_, {});
        if (depth_ != 1 || key_ != "accelerator") return value(std::move(whole)) || stop(why);
        accelerator_ = std::move(whole);
        return true;
    }
    bool on_number_part(View, Code&) { return true; }
    bool on_int64(std::int64_t number, View, Code& why) { return value(number) || stop(why); }
    bool on_uint64(std::uint64_t number, View, Code& why) { return value(number) || stop(why); }
    bool on_double(double, View, Code& why) { return stop(why); }
    bool on_bool(bool is_so, Code& why) {
        if (depth_ != 1 || key_ != "asks_state") return stop(why);
        asks_state_ = is_so;
        return true;
    }
    bool on_null(Code& why) { return stop(why); }
    bool on_comment_part(View, Code&) { return true; }
    bool on_comment(View, Code&) { return true; }

private:
    static bool stop(Code& why) {
        why = boost::json::error::syntax; // any will do, nobody asks
        return false;
    }
    // Whether there is a place for it.
    template <class T>
    bool value(T value) {
        if (depth_ == 3) {
            forwards_->back()[key_] = std::move(value);
            return true;
        }
        const auto field = std::ranges::find(head_fields, key_, &HeadField::key);
        if (depth_ != 1 || field == head_fields.end()) return false;
        return std::visit(
            [&](auto member) {
                constexpr bool fits =
                    std::is_same_v<T, std::string> == std::is_same_v<decltype(member), std::string VmRecord::*>;
                if constexpr (fits) record_.*member = std::move(value);
                return fits;
            },
            field->member);
    }

    VmRecord record_;
    std::optional<std::string> accelerator_;
    std::optional<bool> asks_state_;
    std::optional<Json> forwards_;
    std::string key_, begun_;
    int depth_ = 0; // 1: in the record, 2: in port_forwards, 3: in one of them
    bool is_whole_ = false;
};

std::optional<VmRecord> head_in(const std::string& text) {
    if (!text.ends_with("\n}")) return std::nullopt; // it is cut
    boost::json::basic_parser<HeadReader> parser{boost::json::parse_options()};
    boost::json::error_code stopped;
    parser.write_some(false, text.data(), text.size(), stopped);
    return parser.handler().take();
}

} // namespace

Result<VmRecord> load_record_head(const Layout& layout, const std::string& vm) {
    CASTRA_TRY(text, files::read(layout.vm_record(vm), vm_record_bytes_max));
    if (auto head = head_in(text); head && head->name == vm) return std::move(*head);
    CASTRA_TRY(whole, load_record(layout, vm));
    whole.plan["asks_state"] = has_state_query(whole.plan);
    return std::move(whole);
}

} // namespace castra
