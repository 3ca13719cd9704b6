#pragma once

#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sluice/problem.hpp"

/// What comes of a call: a value or the reason why there is none.
namespace sluice {

/// A value or an error (std::expected comes with C++23).
template <class T, class E>
class [[nodiscard]] Result {
 public:
  // Implicit, so that a function returns a value or an error as it is.
  // NOLINTBEGIN(google-explicit-constructor)
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}
  // NOLINTEND(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  /// Requires ok().
  T& operator*() { return *std::get_if<0>(&state_); }
  const T& operator*() const { return *std::get_if<0>(&state_); }
  T* operator->() { return std::get_if<0>(&state_); }
  const T* operator->() const { return std::get_if<0>(&state_); }

  /// Requires !ok().
  E& error() { return *std::get_if<1>(&state_); }
  const E& error() const { return *std::get_if<1>(&state_); }

 private:
  std::variant<T, E> state_;
};

/// Why something was not done. The admin interface answers with it as problem+json (RFC 9457).
struct Denial {
  /// 404 no such thing, 409 does not go together with what is under way, 412 another revision, 422
  /// not acceptable, 503 the proxy has not started or has stopped.
  unsigned status = 400;
  std::string title;
  std::string detail;                  ///< a sentence that says what to do
  std::vector<Problem> problems = {};  ///< of refused settings: everything that is wrong, by key
};

template <class T>
using Outcome = Result<T, Denial>;

/// A completion: hears exactly once what came of a call.
template <class T>
using Done = std::function<void(Outcome<T>)>;

}  // namespace sluice
