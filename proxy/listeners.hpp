#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
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

  /// The sockets of one address that another process has opened.
  struct Handed {
    std::string configured;
    std::vector<ListeningSocket> sockets;
  };

  explicit Listeners(Fleet& fleet) : fleet_(fleet) {}

  /// What prepare() uses instead of opening sockets of its own, for the same configured address.
  void inherit(std::vector<Handed> handed) { handed_ = std::move(handed); }
  /// Closes what of that was not wanted.
  void drop_unwanted() { handed_.clear(); }
  /// The listeners that are open. Control thread.
  const std::vector<Listener>& open_listeners() const { return open_; }
  /// This process serves the inherited addresses, or another process serves these ones, as they are
  /// configured: whose the files of unix sockets are from now on.
  void take_files();
  void give_away_files(const std::vector<std::string>& configured);

  /// Opens what of `settings` is not open yet. Adds to `problems` what cannot be; then whatever was
  /// opened closes with the result. Nothing that listens changes.
  Wanted prepare(const std::vector<ListenerSettings>& settings, std::vector<Problem>& problems);
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
  Listener open(const ListenerSettings& settings, const ListenOptions& options,
                const std::string& where, std::vector<Problem>& problems);
  std::string own_obstacle(const std::string& address,
                           const std::vector<ListenerSettings>& settings) const;

  Fleet& fleet_;
  bool accepts_ = false;
  std::vector<Handed> handed_;
  mutable std::mutex mutex_;  ///< for addresses()
  std::vector<Listener> open_;
};

}  // namespace sluice::proxy
