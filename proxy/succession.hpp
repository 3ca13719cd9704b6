#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "proxy/handover_link.hpp"
#include "proxy/handover_state.hpp"
#include "proxy/listeners.hpp"
#include "sluice/upgrade.hpp"

namespace sluice::proxy {

/// The side of a hand-over that takes; see Handover for what is said.
///
///     begin() ... offer() -> commit -> taken -> go -> serving -> progress ... gone
///
/// begin() and refuse() block, before the control thread runs; the rest belongs to that thread.
class Succession {
 public:
  struct Callbacks {
    /// The predecessor decides nothing any more: decide in its place. With its lock on the state
    /// folder, if it had one.
    std::function<void(HandoverState, OwnedDescriptor lock)> commit;
    /// It wants us to serve.
    std::function<void()> go;
    /// What it still counts.
    std::function<void(const HandoverCounts&)> progress;
    /// It is gone, or is as good as gone: without a word, or after it had handed over.
    std::function<void()> gone;
    /// It has called it off, and goes on itself.
    std::function<void(const std::string& why)> aborted;
  };

  /// Speaks to the process at the other end until everything is here that is needed to get ready.
  /// The error is a sentence.
  static core::Result<std::shared_ptr<Succession>, std::string> begin(OwnedDescriptor socket,
                                                                      milliseconds patience);

  /// Tells the process at the other end why this one will not even begin.
  static void decline(OwnedDescriptor socket, const std::string& why);

  /// Tells a process that asks to take over why it may not.
  static void abort(OwnedDescriptor socket, const std::string& why);

  std::vector<Listeners::Handed> take_listeners() { return std::move(listeners_); }
  /// The admin socket, when it belongs to this configured address.
  std::optional<ListeningSocket> take_admin(const std::string& configured);
  const std::shared_ptr<const HandoverState>& state() const { return state_; }
  const PredecessorStatus& predecessor() const { return predecessor_; }

  /// Closes the admin socket that was not taken.
  void drop_admin() { admin_.reset(); }
  /// Tells the predecessor why this process, which has offered to serve, does not.
  void withdraw(const std::string& why);
  /// Tells the predecessor why this process cannot.
  void refuse(const std::string& why);
  /// This process is ready. `callbacks` run on the thread of `io`.
  void offer(boost::asio::io_context& io, Callbacks callbacks);
  /// Whether it is gone, now that it has closed the connection. Waits for that for a moment.
  bool predecessor_has_ended() const;
  void say_taken();
  void say_serving(const std::vector<std::string>& listeners, bool admin);

 private:
  explicit Succession(HandoverChannel channel);
  std::string receive_all(milliseconds patience);
  std::string take(HandoverMessage message);
  std::string add_sockets(HandoverMessage& message);
  void on_message(HandoverMessage message);

  std::optional<HandoverChannel> channel_;  ///< until offer()
  std::shared_ptr<HandoverLink> link_;
  Callbacks callbacks_;
  PredecessorStatus predecessor_;
  OwnedDescriptor ended_;  ///< readable when the predecessor has ended (pidfd_open(2))
  std::vector<Listeners::Handed> listeners_;
  std::string admin_configured_;
  std::optional<ListeningSocket> admin_;
  std::shared_ptr<const HandoverState> state_;
  bool has_given_up_ = false;  ///< the predecessor has said so
};

}  // namespace sluice::proxy
