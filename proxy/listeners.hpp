#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "proxy/fleet.hpp"
#include "proxy/listening_socket.hpp"
#include "sluice/problem.hpp"
#include "sluice/settings.hpp"

namespace sluice::proxy {

/// The addresses on which clients connect, with a socket for every worker. Control thread only, or
/// before it runs.
class Listeners {
 public:
  /// One address. A worker takes its socket over; the first one keeps the file of a unix socket.
  struct Listener {
    std::string configured;  ///< as the settings name it
    std::string address;     ///< with the port really in use; the name under which it is counted
    std::shared_ptr<std::vector<ListeningSocket>> sockets;
  };
  /// The listeners that shall be, those that are open already included.
  using Wanted = std::vector<Listener>;

  explicit Listeners(Fleet& fleet) : fleet_(fleet) {}

  /// Opens what of `settings` is not open yet. Adds to `problems` what cannot be; then whatever was
  /// opened closes with the result. Nothing that listens changes.
  Wanted prepare(const std::vector<ListenerSettings>& settings,
                 std::vector<Problem>& problems) const;
  /// Gives new sockets to the workers and lets them stop to accept on those no longer wanted, once
  /// they have served their backlog; connections that stand go on.
  void put_in_force(Wanted wanted);
  /// Workers begin to accept, also on listeners that come later.
  void accept();
  /// Removes the files of unix sockets. Requires that the workers have ended.
  void close();

  /// In the order of the settings. Any thread.
  std::vector<std::string> addresses() const;

 private:
  Listener open(const ListenerSettings& settings, const std::string& where,
                std::vector<Problem>& problems) const;

  Fleet& fleet_;
  bool accepts_ = false;
  mutable std::mutex mutex_;  ///< for addresses()
  std::vector<Listener> open_;
};

}  // namespace sluice::proxy
