// SPDX-License-Identifier: Apache-2.0
// The places of a project in a temporary directory, with the directory of one VM, "web"; all of it goes with the test.
#pragma once
#include "state/layout.hpp"

#include <cstdlib>
#include <gtest/gtest.h>
#include <stdexcept>

namespace castra {

class ScratchProject : public testing::Test {
protected:
    ScratchProject() { std::filesystem::create_directories(layout.vm_dir("web")); }
    ~ScratchProject() override {
        std::error_code ignored;
        std::filesystem::remove_all(dir, ignored);
    }

    const std::filesystem::path dir = made();
    const Layout layout{Environment{.castra_home = dir / "home"}, dir / "castra.toml", ""};

private:
    static std::filesystem::path made() {
        std::string name = testing::TempDir() + "castra-test.XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
        return name;
    }
};

} // namespace castra
