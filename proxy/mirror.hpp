#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "core/ticket.hpp"
#include "proxy/backend_connection.hpp"
#include "proxy/request.hpp"
#include "proxy/task.hpp"
#include "proxy/worker.hpp"

namespace sluice::proxy {

/// A copy of a request for the new version of a rollout: its answer is compared with what the old
/// one said and thrown away. Runs beside everything else, frees itself, and is never waited for.
class Mirror {
 public:
  /// Copies under way at once, per worker; beyond that none are made.
  static constexpr std::size_t most = 32;

  /// What the client got.
  struct Original {
    unsigned status = 0;
  };

  /// Sends `request` once more, when the trial of its split asks for that and it may be repeated
  /// without harm: GET or HEAD without a body. To be called when the client has its answer.
  static void maybe_start(Worker& worker, const Request& request, Original original);
  Mirror(const Mirror&) = delete;
  Mirror& operator=(const Mirror&) = delete;

 private:
  Mirror(Worker& worker, const Request& request, Original original);
  ~Mirror();

  Task<void> run();
  Task<bool> connect();
  Task<bool> receive_head(core::ResponseHead& head);
  Task<bool> drain_body(const core::ResponseHead& head);

  Worker& worker_;
  LocalPtr<LivePlan> plan_;  ///< pins the trial
  const core::Trial& trial_;
  Original original_;
  core::Ticket ticket_;
  LocalPtr<LiveBackend> backend_;
  std::unique_ptr<BackendConnection> connection_;
  std::string head_;
  TimeoutSettings timeouts_;
  std::size_t head_size_ = 0;  ///< of the answer
  bool is_head_ = false;
};

}  // namespace sluice::proxy
