// SPDX-License-Identifier: Apache-2.0
#include "state/image_store.hpp"

#include "host/files.hpp"

#include <nlohmann/json.hpp>

namespace castra {

Result<Image> find_image(const std::filesystem::path& cache, const std::string& name) {
    const auto folder = cache / "images" / name;
    const auto text = files::read(folder / "image.json", 1 << 20);
    if (!text)
        return fail(text.error().code, "image \"" + name + "\" is not in " + (cache / "images").string(),
                    "build it with: castra image build " + name);
    std::filesystem::path odd; // a file that is not there, or of another size than it was built with
    try {
        const auto json = nlohmann::json::parse(*text);
        auto file = [&](const char* part) -> std::string {
            if (!json.contains(part)) return {};
            const std::filesystem::path relative = json[part].at("file").get<std::string>();
            const auto path = folder / relative.filename();
            std::error_code missing;
            const auto size = std::filesystem::file_size(path, missing);
            if (missing || size != json[part].value("size", size)) odd = path;
            return path.string();
        };
        Image image;
        image.name = name;
        image.key = json.value("key", "");
        image.kernel = file("kernel");
        image.initrd = file("initrd");
        image.disk = file("disk");
        if (json.contains("disk")) {
            image.disk_format = json["disk"].value("format", "qcow2");
            image.disk_sha256 = json["disk"].value("sha256", "");
        }
        image.append = json.value("append", "");
        image.root_append = json.value("root_append", "");
        image.ssh_user = json.value("ssh_user", "");
        image.ready_marker = json.value("ready_marker", "");
        if (!odd.empty())
            return fail(ErrorCode::io, "image \"" + name + "\": " + odd.string() + " is not what was built",
                        "build it again with: castra image build " + name);
        return image;
    } catch (const nlohmann::json::exception& error) {
        return fail(ErrorCode::io,
                    "image \"" + name + "\": " + (folder / "image.json").string() + " is damaged: " + error.what(),
                    "build it again with: castra image build " + name);
    }
}

} // namespace castra
