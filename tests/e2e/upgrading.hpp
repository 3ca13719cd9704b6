#pragma once

#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <utility>

#include "tests/e2e/generations.hpp"
#include "tests/support/has.hpp"
#include "tests/support/load.hpp"

/// What the tests of hot upgrades start from.
namespace sluice::e2e {

/// The program in front of two versions, and everything that is said of its processes.
struct Upgrading {
  explicit Upgrading(Script script = {}, ConfigText config = {}, bool keeps_state = true)
      : one("v1", std::move(script)), sluice(prepared(std::move(config), keeps_state)) {}

  ConfigText prepared(ConfigText config, bool keeps_state) const {
    config.pool("v1", {one.address()}).pool("v2", {two.address()});
    config.route("all", "v1 = 100, v2 = 0");
    config.keeps_state = keeps_state;
    config.server += "drain_timeout = \"20s\"\n";
    return config;
  }
  LoadOptions load(unsigned connections = 16) const {
    LoadOptions options;
    options.address = sluice.listener();
    options.connections = connections;
    return options;
  }
  double requests() const { return sluice.admin().metric("sluice_requests_total"); }

  TestBackend one;
  TestBackend two{"v2"};
  SluiceProcess sluice;
  Generations generations{sluice};
};

/// A file that can be run.
inline std::string program(const SluiceProcess& sluice, const std::string& name,
                           const std::string& text) {
  const std::string path = sluice.file(name);
  std::ofstream(path) << text;
  ::chmod(path.c_str(), 0755);
  return path;
}

/// A program that speaks the protocol of a hand-over up to `ready`, then is killed, while the other
/// side gets ready to commit.
inline std::string dies_after_ready(const SluiceProcess& sluice) {
  const auto frame = [](const std::string& text) {
    return std::string{static_cast<char>(text.size()), 0, 0, 0} + text;
  };
  write_file(sluice.file("words"),
             frame(R"({"type":"hello","descriptors":0,"body":{"protocol":1,"pid":1,)"
                   R"("version":"x"}})") +
                 frame(R"({"type":"ready","descriptors":0,"body":{}})"));
  return program(sluice, "dies", "#!/bin/sh\ncat " + sluice.file("words") + " >&3\nkill -9 $$\n");
}

/// New connections, one request on each, until it is stopped.
class NewConnections {
 public:
  explicit NewConnections(std::string address)
      : address_(std::move(address)), thread_([this] {
          while (!stopping_) {
            ++count_;
            try {
              RawClient client(address_);
              if (client.get("/", "Connection: close\r\n").status != 200) ++failures_;
            } catch (const std::exception&) {
              ++failures_;
            }
          }
        }) {}
  ~NewConnections() { stop(); }
  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  unsigned count() const { return count_; }
  unsigned failures() const { return failures_; }

 private:
  std::string address_;
  std::atomic<bool> stopping_{false};
  std::atomic<unsigned> count_{0};
  std::atomic<unsigned> failures_{0};
  std::thread thread_;
};

}  // namespace sluice::e2e
