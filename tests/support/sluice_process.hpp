#pragma once

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "tests/support/admin_client.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/config_text.hpp"
#include "tests/support/raw_client.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::support {

/// The path of the program under test. Defined by the tests, not by this library.
std::string program_path();

/// The real program with a configuration of its own in a directory of its own. The destructor kills
/// it, and fails the test when a sanitizer complained.
class SluiceProcess {
 public:
  /// Starts it and waits until GET /readyz is 200. Throws Failure, with its log, when it is not.
  explicit SluiceProcess(ConfigText config);
  SluiceProcess(const SluiceProcess&) = delete;
  SluiceProcess& operator=(const SluiceProcess&) = delete;
  ~SluiceProcess();

  const std::string& listener(std::size_t index = 0) const { return config_.listeners.at(index); }
  const std::string& admin_address() const { return config_.admin_address; }
  AdminClient admin() const { return AdminClient(config_.admin_address); }
  RawClient client() const { return RawClient(listener()); }

  ChildProcess& process() { return child_; }
  pid_t pid() const { return child_.pid(); }
  /// The status of GET /readyz; 0 when nobody answers.
  unsigned readiness() const;
  std::size_t open_fds() const;

  /// Kills it if it runs and starts it again with the same addresses and state.
  void restart();
  /// The same with another configuration, whose addresses are replaced by the present ones.
  void restart(ConfigText config);

  std::string operational_log() const { return read_file(file("stderr")); }
  /// Waits until the operational log contains `text`.
  bool logs(std::string_view text, Clock::duration limit = patience) const;
  /// The access log once it has `at_least` lines. Throws Failure when they do not come.
  std::vector<boost::json::object> access_log(std::size_t at_least) const;

  /// A file in the directory of the process: "config.toml", "stdout", "stderr", "state".
  std::string file(std::string_view name) const { return directory_.file(name); }

 private:
  void choose_addresses();
  bool start();

  TempDir directory_;
  ConfigText config_;
  bool chooses_listener_;
  bool chooses_admin_;
  ChildProcess child_;
};

}  // namespace sluice::support
