#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "core/framing.hpp"
#include "core/head.hpp"
#include "sluice/settings.hpp"

/// HTTP/1.x heads out of a read buffer: found, checked octet by octet and cut into tokens; what the
/// tokens mean for framing is decided in core/. Nothing is copied: heads hold views into the
/// buffer.
namespace sluice::proxy {

/// Where a head ends in octets that arrive bit by bit.
class HeadScan {
 public:
  enum class Found : std::uint8_t { more, head, refused };

  /// Looks at everything received of the head so far. `head`: size() octets are a whole head.
  /// `refused`: refusal() says why it can become none. Limits: 414 and 431 for requests, 502 for
  /// answers.
  Found look(std::string_view received, const LimitSettings& limits, bool is_request);
  std::size_t size() const { return size_; }
  const core::Refusal& refusal() const { return refusal_; }
  void reset() { *this = {}; }

 private:
  Found refuse(unsigned status, std::string_view detail);
  std::size_t scanned_ = 0;
  std::size_t size_ = 0;
  bool line_done_ = false;
  core::Refusal refusal_;
};

/// Cuts a whole request head. Every name is a token and no value holds a control character
/// afterwards. Everything up to framing and target is checked; HTTP/1.2 and later count as 1.1.
std::optional<core::Refusal> parse_request_head(std::string_view raw, unsigned max_fields,
                                                core::RequestHead& head);

/// Cuts a whole response head, with the same promises. Refusals have status 502.
std::optional<core::Refusal> parse_response_head(std::string_view raw, core::ResponseHead& head);

}  // namespace sluice::proxy
