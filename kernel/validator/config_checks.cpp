// SPDX-License-Identifier: Apache-2.0
#include "validator/level_checks.hpp"

#include "plugin/json_text.hpp"

namespace castra {
namespace {

using nlohmann::json;

CheckResult config_default(Subject& subject, const Bench&) {
    for (const auto& kind : subject.manifest().kinds) {
        std::string why;
        void* instance = subject.make(kind, &why);
        if (instance == nullptr)
            return check_failed("no instance of " + kind + " with its defaults or an example: " + clipped(why, 300),
                                "put an example that works into config_schema's \"examples\"");
        subject.destroy(instance);
    }
    return check_passed();
}

// Each of these is made, or refused with a proper error.
CheckResult make_or_refuse(Subject& subject, const std::vector<std::string>& configs) {
    for (const auto& kind : subject.manifest().kinds)
        for (const auto& config : configs) {
            const auto answer = subject.create(kind, config);
            if (answer.status == CASTRA_OK) continue;
            const auto shown = clipped(config, 80);
            if (const auto problem = problem_of_error(answer); !problem.empty())
                return check_failed("with the config " + shown + ": " + problem,
                                    "an error is {code, title, detail?, field_path?, hint?}");
            if (answer.status == CASTRA_INTERNAL)
                return check_failed("with the config " + shown + " has an internal error" + told(answer),
                                    "throw Refusal for what can go wrong");
        }
    return check_passed();
}

// One config for each property, with `values` in its place; the rest as in a config that works.
std::vector<std::string> variations(const Subject& subject, const std::vector<json>& values, bool strings_only) {
    std::vector<std::string> all;
    const auto configs = subject.configs();
    const auto base = configs.empty() ? json::object() : configs.front();
    const auto properties = subject.manifest().config_schema.value("properties", json::object());
    for (const auto& property : properties.items()) {
        const bool is_string = property.value().is_object() && property.value().value("type", json()) == "string";
        if (strings_only && !is_string) continue;
        for (const auto& value : values) {
            auto config = base;
            config[property.key()] = value;
            all.push_back(config.dump());
        }
    }
    for (const auto& value : values)
        all.push_back(json{{"no-such-option-of-anybody", value}}.dump());
    return all;
}

CheckResult config_wrong(Subject& subject, const Bench&) {
    return make_or_refuse(subject,
                          variations(subject, {nullptr, true, -1, 1e300, "", json::array(), json::object()}, false));
}
CheckResult config_missing(Subject& subject, const Bench&) {
    std::vector<std::string> all{"{}"};
    for (const auto& config : subject.configs())
        for (const auto& entry : config.items()) {
            auto without = config;
            without.erase(entry.key());
            all.push_back(without.dump());
        }
    return make_or_refuse(subject, all);
}
CheckResult config_garbage(Subject& subject, const Bench&) {
    return make_or_refuse(subject, {"", "not json", "[]", "{", "null", std::string("{\"a\":\0}", 7),
                                    "{\"a\":" + std::string(5000, '[') + std::string(5000, ']') + "}"});
}
CheckResult config_huge(Subject& subject, const Bench&) {
    return make_or_refuse(subject, variations(subject, {std::string(std::size_t{1} << 20, 'x')}, true));
}
CheckResult config_nul(Subject& subject, const Bench&) {
    return make_or_refuse(subject, variations(subject, {std::string("a\0b", 3)}, true));
}
CheckResult config_unicode(Subject& subject, const Bench&) {
    return make_or_refuse(subject,
                          variations(subject, {"\xf0\x9f\x98\x80 \xe2\x80\xae \xc2\x9b\x33\x31m \x1b[2J"}, true));
}
CheckResult config_field_path(Subject& subject, const Bench&) {
    const auto properties = subject.manifest().config_schema.value("properties", json::object());
    const auto configs = subject.configs();
    for (const auto& kind : subject.manifest().kinds)
        for (const auto& property : properties.items())
            for (const auto& value : {json(nullptr), json(-1), json(""), json::array()}) {
                auto config = configs.empty() ? json::object() : configs.front();
                config[property.key()] = value;
                const auto answer = subject.create(kind, config.dump());
                const auto said = parse_json_object(answer.error);
                if (answer.status == CASTRA_OK || !said) continue;
                const auto path = said->value("field_path", json(""));
                if (!path.is_string()) return check_failed("its field_path is no text: " + path.dump());
                const auto& text = path.get_ref<const std::string&>();
                if (text.empty()) continue;
                const auto first =
                    text.substr(1, text.find('/', 1) == std::string::npos ? text.size() : text.find('/', 1) - 1);
                if (text[0] != '/' || !properties.contains(first))
                    return check_failed("says that \"" + clipped(text) +
                                            "\" is at fault, which its config does not have",
                                        "field_path is a JSON pointer: \"/" + property.key() + "\"");
            }
    return check_passed();
}

} // namespace

std::vector<LevelCheck> config_checks() {
    return {
        {"config.default", config_default}, {"config.missing", config_missing},
        {"config.wrong", config_wrong},     {"config.garbage", config_garbage},
        {"config.huge", config_huge},       {"config.nul", config_nul},
        {"config.unicode", config_unicode}, {"config.field_path", config_field_path},
    };
}

} // namespace castra
