#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/head.hpp"
#include "core/plan.hpp"
#include "core/split.hpp"

/// Which pool serves a request: force, sticky, draw, and redraw when a pool cannot serve
/// (product.md, "Which pool serves a request: the order"). Pure.
namespace sluice::core {

/// Why a request went to its pool; the access log's `why`.
enum class Why : std::uint8_t {
  none,    ///< no pool yet
  force,   ///< a force rule named it
  sticky,  ///< its unit belongs there
  draw,    ///< the random draw fell on it
  spill,   ///< another pool was meant but could not serve
  shield,  ///< the new pool of a rollout failed, the old one repeats
};
std::string_view to_string(Why why);

/// What a request brings to the choice; the same over all redraws.
struct Steering {
  std::optional<ShareIndex> forced;
  std::optional<std::uint64_t> unit;  ///< hash of its sticky unit
  bool needs_cookie = false;          ///< sticky by cookie, and the client has none
};

/// Reads force rules and the sticky unit from a request. Without a cookie the unit is left open:
/// see `assign_unit`.
Steering steer(const RoutePlan& route, const RequestHead& head, std::string_view client_ip);
/// The same with the salt of a rollout.
Steering steer(const RoutePlan& route, std::uint64_t salt, const RequestHead& head,
               std::string_view client_ip);

/// Gives a client without cookie the unit `value`, which the answer will set as its cookie.
void assign_unit(Steering& steering, std::uint64_t salt, std::string_view value);

struct Choice {
  ShareIndex share = 0;
  Why why = Why::none;
};

/// The share for a request, passing over `excluded` ones (pools that could not serve). `random`: a
/// uniform word, used when neither force nor sticky decides. None when nothing of weight is left.
std::optional<Choice> choose_share(const Split& split, const Steering& steering,
                                   std::uint64_t random, ShareSet excluded);

}  // namespace sluice::core
