#include "proxy/handover_state.hpp"

#include <array>
#include <map>
#include <utility>

#include "proxy/state_codec.hpp"
#include "proxy/state_json.hpp"

namespace sluice::proxy {
namespace json = boost::json;

namespace {

/// A backend as one merged worker has it.
struct CountedBackend {
  core::Backend counts;
  bool gone = false;
};

struct CountedSpill {
  std::string from;
  std::string to;
  std::uint64_t count = 0;
};

}  // namespace

template <>
struct StateWords<HealthState> {
  static constexpr std::array<std::string_view, 4> words{"unchecked", "unknown", "up", "down"};
};

template <>
struct StateMembers<LabelledCount> {
  static void visit(auto& on, auto& value) {
    on("label", value.first);
    on("count", value.second);
  }
};
template <>
struct StateMembers<std::pair<unsigned, std::uint64_t>> {
  static void visit(auto& on, auto& value) {
    on("code", value.first);
    on("count", value.second);
  }
};
template <>
struct StateMembers<std::pair<std::string, double>> {
  static void visit(auto& on, auto& value) {
    on("label", value.first);
    on("value", value.second);
  }
};
template <>
struct StateMembers<Histogram> {
  static void visit(auto& on, auto& value) {
    on("counts", value.counts);
    on("sum_ns", value.sum_ns);
  }
};
template <>
struct StateCodec<CodeCounts> {
  using List = decltype(CodeCounts{}.list());
  static json::value write(const CodeCounts& counts) {
    return StateCodec<List>::write(counts.list());
  }
  static CodeCounts read(const json::value& value) {
    CodeCounts counts;
    for (const auto& [code, requests] : StateCodec<List>::read(value)) counts.add(code, requests);
    return counts;
  }
};
template <>
struct StateMembers<RoutePoolTally> {
  static void visit(auto& on, auto& value) {
    on("route", value.route);
    on("pool", value.pool);
    on("codes", value.codes);
    on("duration", value.duration);
    on("response_head", value.response_head);
    on("in_flight", value.in_flight);
    on("retries", value.retries);
  }
};
template <>
struct StateMembers<CountedSpill> {
  static void visit(auto& on, auto& value) {
    on("from", value.from);
    on("to", value.to);
    on("count", value.count);
  }
};
template <>
struct StateCodec<std::map<std::pair<std::string, std::string>, std::uint64_t>> {
  using Spills = std::map<std::pair<std::string, std::string>, std::uint64_t>;
  static json::value write(const Spills& spills) {
    std::vector<CountedSpill> all;
    for (const auto& [pools, count] : spills) all.push_back({pools.first, pools.second, count});
    return StateCodec<std::vector<CountedSpill>>::write(all);
  }
  static Spills read(const json::value& value) {
    Spills spills;
    for (CountedSpill& one : StateCodec<std::vector<CountedSpill>>::read(value)) {
      spills[{std::move(one.from), std::move(one.to)}] = one.count;
    }
    return spills;
  }
};
template <>
struct StateMembers<RouteTally> {
  static void visit(auto& on, auto& value) {
    on("route", value.route);
    on("rejected", value.rejected);
    on("spills", value.spills);
  }
};
template <>
struct StateMembers<ListenerTally> {
  static void visit(auto& on, auto& value) {
    on("listener", value.listener);
    on("active", value.active);
    on("idle", value.idle);
    on("upgraded", value.upgraded);
    on("accepted", value.accepted);
  }
};
template <>
struct StateMembers<CountedBackend> {
  static void visit(auto& on, auto& value) {
    on("pool", value.counts.pool);
    on("backend", value.counts.address);
    on("in_flight", value.counts.in_flight);
    on("upgraded", value.counts.upgraded);
    on("open", value.counts.open);
    on("idle", value.counts.idle);
    on("requests", value.counts.requests);
    on("failures", value.counts.failures);
    on("gone", value.gone);
  }
};
template <>
struct StateMembers<RolloutTotals::Decision> {
  static void visit(auto& on, auto& value) {
    on("decision", value.decision);
    on("reason", value.reason);
    on("count", value.count);
  }
};
template <>
struct StateMembers<RolloutTotals::Bad> {
  static void visit(auto& on, auto& value) {
    on("pool", value.pool);
    on("stream", value.stream);
    on("count", value.count);
  }
};
template <>
struct StateMembers<RolloutTotals> {
  static void visit(auto& on, auto& value) {
    on("route", value.route);
    on("decisions", value.decisions);
    on("hold_seconds", value.hold_seconds);
    on("bad", value.bad);
    on("shielded", value.shielded);
  }
};

/// A worker's lists, one after the other.
template <>
struct StateCodec<WorkerReport> {
  static json::value write(const WorkerReport& report) {
    std::vector<RoutePoolTally> route_pools;
    for (const auto& [key, tally] : report.tally.route_pools()) route_pools.push_back(tally);
    std::vector<RouteTally> routes;
    for (const auto& [name, tally] : report.tally.routes()) routes.push_back(tally);
    std::vector<ListenerTally> listeners;
    for (const auto& [name, tally] : report.tally.listeners()) listeners.push_back(tally);
    std::vector<CountedBackend> backends;
    for (std::size_t index = 0; index < report.backends.size(); ++index) {
      backends.push_back({report.backends[index], report.gone[index]});
    }
    StateWriter writer;
    writer("route_pools", route_pools);
    writer("routes", routes);
    writer("listeners", listeners);
    writer("backends", backends);
    writer("sessions", report.sessions);
    return writer.take();
  }

  static WorkerReport read(const json::value& value) {
    const StateReader reader(value);
    std::vector<RoutePoolTally> route_pools;
    std::vector<RouteTally> routes;
    std::vector<ListenerTally> listeners;
    std::vector<CountedBackend> backends;
    WorkerReport report;
    reader("route_pools", route_pools);
    reader("routes", routes);
    reader("listeners", listeners);
    reader("backends", backends);
    reader("sessions", report.sessions);
    for (RoutePoolTally& one : route_pools) {
      RoutePoolTally& place = report.tally.route_pool(one.route, one.pool);
      place = std::move(one);
    }
    for (RouteTally& one : routes) {
      RouteTally& place = report.tally.route(one.route);
      place = std::move(one);
    }
    for (ListenerTally& one : listeners) {
      ListenerTally& place = report.tally.listener(one.listener);
      place = std::move(one);
    }
    for (CountedBackend& one : backends) {
      report.backends.push_back(std::move(one.counts));
      report.gone.push_back(one.gone);
    }
    return report;
  }
};

template <>
struct StateMembers<HandoverCounts> {
  static void visit(auto& on, auto& value) {
    on("report", value.report);
    on("rollouts", value.rollouts);
    on("access_log_dropped", value.access_log_dropped);
  }
};
template <>
struct StateMembers<HandedHealth> {
  static void visit(auto& on, auto& value) {
    on("pool", value.pool);
    on("backend", value.backend);
    on("state", value.state);
  }
};
template <>
struct StateMembers<HandedRevision> {
  static void visit(auto& on, auto& value) {
    on("route", value.route);
    on("revision", value.revision);
    on("by", value.since.by);
    on("at_ms", value.since.at_ms);
  }
};
template <>
struct StateMembers<HandedDrain> {
  static void visit(auto& on, auto& value) {
    on("pool", value.pool);
    on("backend", value.backend);
    on("deadline_ms", value.deadline);
  }
};
template <>
struct StateMembers<Event> {
  static void visit(auto& on, auto& value) {
    on("id", value.id);
    on("type", value.type);
    on("body", value.body);
  }
};

/// As in the state file, text and all, so that there is one way to read it.
template <>
struct StateCodec<core::Overrides> {
  static json::value write(const core::Overrides& overrides) {
    return json::string(to_state_text(overrides));
  }
  static core::Overrides read(const json::value& value) {
    auto overrides = read_state_text(StateCodec<std::string>::read(value));
    if (!overrides) throw StateProblem("cannot be read: " + overrides.error());
    return std::move(*overrides);
  }
};
template <>
struct StateMembers<HandoverState> {
  static void visit(auto& on, auto& value) {
    on("overrides", value.overrides);
    on("decided", value.decided);
    on("generation", value.generation);
    on("health", value.health);
    on("revisions", value.revisions);
    on("drains", value.drains);
    on("events", value.events);
    on("counts", value.counts);
  }
};

namespace {

template <class T>
core::Result<T, std::string> read_as(const json::value& value) try {
  return StateCodec<T>::read(value);
} catch (const StateProblem& problem) {
  return std::string("its member ") + problem.what();
}

}  // namespace

json::value to_json(const HandoverCounts& counts) {
  return StateCodec<HandoverCounts>::write(counts);
}

json::value to_json(const HandoverState& state) {
  return StateCodec<HandoverState>::write(state);
}

core::Result<HandoverCounts, std::string> read_counts(const json::value& value) {
  return read_as<HandoverCounts>(value);
}

core::Result<HandoverState, std::string> read_handover(const json::value& value) {
  return read_as<HandoverState>(value);
}

}  // namespace sluice::proxy
