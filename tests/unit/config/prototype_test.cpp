// SPDX-License-Identifier: Apache-2.0
// A whole castra.toml as it was written for the prototype, 0.2.0, with every key that it knew and none of ours.
#include "parsing.hpp"

#include <gtest/gtest.h>

namespace castra {
namespace {

using namespace std::chrono_literals;

constexpr const char* file = R"(version = "0.2.0"

[project]
name = "dev-lab"
state_dir = ".castra"

[broker]
port = 7070

[lifecycle]
graceful_shutdown_wait_secs = 20
sigterm_wait_secs = 10
sigkill_wait_secs = 5

[bootstrap]
mode = "auto"
handshake_timeout_secs = 60
remote_dir = "/tmp/castra-bootstrap"
env = { SHARED = "true" }

[[vms]]
name = "devbox"
description = "Where people work"
base_image = "images/devbox.qcow2"
overlay = "overlays/devbox.qcow2"
cpus = 4
memory = "2 GiB"

  [[vms.port_forwards]]
  host = 2222
  guest = 22
  protocol = "tcp"

  [[vms.port_forwards]]
  host = 6000
  guest = 6000
  protocol = "udp"
  count = 4

  [vms.bootstrap]
  mode = "auto"
  script = "bootstrap/devbox/run.sh"
  payload = "bootstrap/devbox/payload"
  handshake_timeout_secs = 90
  remote_dir = "/tmp/devbox"
  env = { ROLE = "dev" }
  verify_command = "test -f /var/lib/ready"
  verify_path = "/var/lib/ready"

[[vms]]
name = "worker"
description = "Pool worker"
base_image = "images/worker.qcow2"
cpus = 2
memory = "1 GiB"
count = 2

  [[vms.port_forwards]]
  host = 2300
  guest = 22
  protocol = "tcp"

  [[vms.instances]]
  id = "worker-0"
  description = "the first"

  [[vms.instances]]
  id = 1
  cpus = 1
)";

TEST(Prototype, AWholeFileOf020IsRead) {
    const auto project = parsed(file);
    EXPECT_EQ(project.version, "0.2.0");
    EXPECT_EQ(project.name, "dev-lab");
    EXPECT_EQ(project.state_dir, "/p/.castra");
    EXPECT_EQ(project.broker.port, 7070);
    EXPECT_EQ(project.lifecycle.graceful_shutdown_wait, 20s);
    EXPECT_EQ(project.lifecycle.sigterm_wait, 10s);
    EXPECT_EQ(project.lifecycle.sigkill_wait, 5s);
    ASSERT_EQ(project.vms.size(), 3U);

    const auto& devbox = project.vms[0];
    EXPECT_EQ(devbox.name, "devbox-0");
    EXPECT_EQ(devbox.base_image, "/p/images/devbox.qcow2");
    EXPECT_EQ(devbox.overlay, "/p/overlays/devbox.qcow2");
    EXPECT_EQ(devbox.cpus, 4);
    EXPECT_EQ(to_string(devbox.memory), "2 GiB");
    ASSERT_EQ(devbox.port_forwards.size(), 5U);
    EXPECT_EQ(devbox.port_forwards[0].host, 2222);
    EXPECT_EQ(devbox.port_forwards[0].address, "127.0.0.1");
    EXPECT_EQ(devbox.port_forwards[4].host, 6003);
    EXPECT_EQ(devbox.port_forwards[4].protocol, "udp");
    EXPECT_EQ(devbox.bootstrap.script, "/p/bootstrap/devbox/run.sh");
    EXPECT_EQ(devbox.bootstrap.payload, "/p/bootstrap/devbox/payload");
    EXPECT_EQ(devbox.bootstrap.handshake_timeout, 90s);
    EXPECT_EQ(devbox.bootstrap.remote_dir, "/tmp/devbox");
    EXPECT_EQ(devbox.bootstrap.env.size(), 2U);
    EXPECT_EQ(devbox.bootstrap.verify_command, "test -f /var/lib/ready");
    EXPECT_EQ(devbox.bootstrap.verify_path, "/var/lib/ready");

    EXPECT_EQ(project.vms[1].name, "worker-0");
    EXPECT_EQ(project.vms[1].description, "the first");
    EXPECT_EQ(project.vms[1].cpus, 2);
    EXPECT_EQ(project.vms[1].port_forwards[0].host, 2300);
    EXPECT_EQ(project.vms[2].name, "worker-1");
    EXPECT_EQ(project.vms[2].cpus, 1);
    EXPECT_EQ(project.vms[2].port_forwards[0].host, 2301);
    EXPECT_EQ(project.vms[2].bootstrap.handshake_timeout, 60s);
    EXPECT_EQ(project.vms[2].bootstrap.env.at("SHARED").reveal(), "true");
}

} // namespace
} // namespace castra
