#pragma once

#include <utility>

#include "core/backend.hpp"

namespace sluice::core {

/// The right to use a backend for one attempt. It counts in flight from the moment of choice until
/// it is finished or destroyed, exactly once. Move-only; stays on its worker's thread.
class [[nodiscard]] Ticket {
 public:
  Ticket() = default;
  /// Counts a request on `backend` from now on.
  explicit Ticket(Backend& backend) : backend_(&backend) {
    ++backend.in_flight;
    ++backend.requests;
  }
  Ticket(Ticket&& other) noexcept
      : backend_(std::exchange(other.backend_, nullptr)),
        upgraded_(std::exchange(other.upgraded_, false)) {}
  Ticket& operator=(Ticket&& other) noexcept {
    if (this != &other) {
      finish();
      backend_ = std::exchange(other.backend_, nullptr);
      upgraded_ = std::exchange(other.upgraded_, false);
    }
    return *this;
  }
  ~Ticket() { finish(); }

  explicit operator bool() const { return backend_ != nullptr; }
  /// Requires a backend.
  Backend& backend() const { return *backend_; }

  /// The request became a tunnel: counts as upgraded from now on.
  void upgrade() {
    --backend_->in_flight;
    ++backend_->upgraded;
    upgraded_ = true;
  }
  /// The attempt failed: counts the reason and finishes.
  void fail(FailureReason reason) {
    if (backend_ != nullptr) ++backend_->failures[static_cast<std::size_t>(reason)];
    finish();
  }
  /// Gives the ticket back. Idempotent.
  void finish() {
    if (backend_ == nullptr) return;
    --(upgraded_ ? backend_->upgraded : backend_->in_flight);
    backend_ = nullptr;
    upgraded_ = false;
  }

 private:
  Backend* backend_ = nullptr;
  bool upgraded_ = false;
};

}  // namespace sluice::core
