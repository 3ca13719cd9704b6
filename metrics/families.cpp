#include "metrics/families.hpp"

#include <algorithm>
#include <iterator>
#include <optional>

#include "metrics/family.hpp"

namespace sluice::metrics {
namespace {

void move_into(Families& out, Families group) {
  std::move(group.begin(), group.end(), std::back_inserter(out));
}

/// Connections that carry a request or are being opened. The counts of several workers are not
/// taken at one instant, so the difference is floored.
std::uint64_t active_connections(const BackendCounts& backend) {
  const std::uint64_t others = backend.idle + backend.upgraded;
  return backend.open > others ? backend.open - others : 0;
}

double flag(bool value) {
  return value ? 1.0 : 0.0;
}

template <class T>
void append_gauge(Families& out, std::string_view name, std::string_view help,
                  const std::optional<T>& value) {
  auto family = gauge_family(name, help);
  if (value) add(family, {}, *value);
  out.push_back(std::move(family));
}

}  // namespace

void append_routes(const Snapshot& snapshot, Families& out) {
  auto requests = counter_family("sluice_requests_total",
                                 "Requests answered, by route, pool that served them (empty if "
                                 "none did) and status code.");
  auto durations = histogram_family("sluice_request_duration_seconds",
                                    "Time from the request head read to the answer complete, in "
                                    "seconds.");
  auto heads = histogram_family("sluice_response_head_seconds",
                                "Time from the first attempt sent to the first byte of its answer, "
                                "in seconds.");
  auto in_flight = gauge_family("sluice_requests_in_flight", "Requests being served now.");
  for (const auto& entry : snapshot.routes) {
    const Labels labels = {{"route", entry.route}, {"pool", entry.pool}};
    for (const auto& [code, count] : entry.codes) {
      Labels with_code = labels;
      with_code.push_back({"code", std::to_string(code)});
      add(requests, std::move(with_code), count);
    }
    add(durations, labels, entry.duration);
    // A request that reached no pool has no first attempt.
    if (!entry.pool.empty()) add(heads, labels, entry.response_head);
    add(in_flight, labels, entry.in_flight);
  }
  move_into(out,
            {std::move(requests), std::move(durations), std::move(heads), std::move(in_flight)});
}

void append_decisions(const Snapshot& snapshot, Families& out) {
  auto retries = counter_family("sluice_retries_total",
                                "Further attempts in the same pool, by the reason of the failure "
                                "before.");
  auto spills = counter_family("sluice_spills_total",
                               "Requests drawn for the pool in from, which could not serve, and "
                               "sent to the pool in to.");
  auto rejected = counter_family("sluice_rejected_total",
                                 "Requests that the proxy answered itself, by reason; route is "
                                 "empty before a route was found.");
  for (const auto& entry : snapshot.routes) {
    for (const auto& [reason, count] : entry.retries) {
      add(retries, {{"route", entry.route}, {"pool", entry.pool}, {"reason", reason}}, count);
    }
  }
  for (const auto& entry : snapshot.spills) {
    add(spills, {{"route", entry.route}, {"from", entry.from}, {"to", entry.to}}, entry.count);
  }
  for (const auto& entry : snapshot.rejected) {
    add(rejected, {{"route", entry.route}, {"reason", entry.reason}}, entry.count);
  }
  move_into(out, {std::move(retries), std::move(spills), std::move(rejected)});
}

void append_backends(const Snapshot& snapshot, Families& out) {
  auto requests = counter_family("sluice_backend_requests_total",
                                 "Attempts given to the backend, retries included.");
  auto failures = counter_family("sluice_attempt_failures_total",
                                 "Attempts that failed on the backend, by reason.");
  auto in_flight = gauge_family("sluice_backend_in_flight",
                                "Attempts under way on the backend now, tunnels not counted.");
  auto connections = gauge_family("sluice_backend_connections",
                                  "Connections to the backend now: active (carrying a request or "
                                  "being opened), idle (pooled) or upgraded (tunnels).");
  auto up = gauge_family("sluice_backend_up",
                         "1 if the backend is healthy or not checked, 0 if it is down or gone.");
  auto draining = gauge_family("sluice_backend_draining",
                               "1 if the backend gets nothing new because it drains, else 0.");
  for (const auto& entry : snapshot.backends) {
    const Labels labels = {{"pool", entry.pool}, {"backend", entry.backend}};
    const auto with = [&labels](const char* name, const std::string& value) {
      Labels more = labels;
      more.push_back({name, value});
      return more;
    };
    add(requests, labels, entry.requests);
    for (const auto& [reason, count] : entry.failures) add(failures, with("reason", reason), count);
    add(in_flight, labels, entry.in_flight);
    add(connections, with("state", "active"), active_connections(entry));
    add(connections, with("state", "idle"), entry.idle);
    add(connections, with("state", "upgraded"), entry.upgraded);
    add(up, labels, flag(entry.up && !entry.gone));
    add(draining, labels, flag(entry.draining));
  }
  move_into(out, {std::move(requests), std::move(failures), std::move(in_flight),
                  std::move(connections), std::move(up), std::move(draining)});
}

void append_weights(const Snapshot& snapshot, Families& out) {
  auto in_force = gauge_family("sluice_split_weight_ratio",
                               "Share of the route's traffic that the pool gets by the split in "
                               "force, from 0 to 1.");
  auto configured = gauge_family("sluice_split_configured_weight_ratio",
                                 "Share of the route's traffic that the configuration file gives "
                                 "the pool, from 0 to 1.");
  for (const auto& entry : snapshot.weights) {
    const Labels labels = {{"route", entry.route}, {"pool", entry.pool}};
    add(in_force, labels, entry.in_force);
    add(configured, labels, entry.configured);
  }
  move_into(out, {std::move(in_force), std::move(configured)});
}

void append_listeners(const Snapshot& snapshot, Families& out) {
  auto connections = gauge_family("sluice_client_connections",
                                  "Connections from clients now: active (a request under way), "
                                  "idle (waiting for a request) or upgraded (tunnels).");
  auto accepted = counter_family("sluice_client_connections_accepted_total",
                                 "Connections ever accepted from clients.");
  for (const auto& entry : snapshot.listeners) {
    const auto add_state = [&](const char* state, std::uint64_t count) {
      add(connections, {{"listener", entry.listener}, {"state", state}}, count);
    };
    add_state("active", entry.active);
    add_state("idle", entry.idle);
    add_state("upgraded", entry.upgraded);
    add(accepted, {{"listener", entry.listener}}, entry.accepted);
  }
  move_into(out, {std::move(connections), std::move(accepted)});
}

void append_proxy(const Snapshot& snapshot, Families& out) {
  auto dropped = counter_family("sluice_access_log_dropped_total",
                                "Access log lines dropped because the log could not keep up.");
  add(dropped, {}, snapshot.access_log_dropped);
  auto generation = gauge_family("sluice_config_generation",
                                 "Generation number of the plan in force; it grows with every "
                                 "change.");
  add(generation, {}, snapshot.generation);
  auto reload = gauge_family("sluice_config_last_reload_success",
                             "1 if the last reload of the configuration was taken, 0 if it was "
                             "refused.");
  add(reload, {}, flag(snapshot.last_reload_ok));
  auto reloaded =
      gauge_family("sluice_config_last_reload_timestamp_seconds",
                   "Unix time in seconds at which a configuration was last taken; at first that "
                   "of the start.");
  add(reloaded, {}, static_cast<double>(snapshot.last_reload_ms) / 1000);
  auto decider = gauge_family("sluice_is_decider",
                              "1 if this process decides on weights, drains, backends and "
                              "rollouts, 0 if it follows another one on the same state folder.");
  add(decider, {}, flag(snapshot.is_decider));
  auto build = gauge_family("sluice_build_info", "Always 1; the version is the label.");
  add(build, {{"version", snapshot.version}}, 1.0);
  move_into(out, {std::move(dropped), std::move(generation), std::move(reload), std::move(reloaded),
                  std::move(decider), std::move(build)});
}

void append_process(const ProcessUsage& process, Families& out) {
  auto cpu = counter_family("process_cpu_seconds_total",
                            "User and system CPU time spent by the process, in seconds.");
  if (process.cpu_seconds) add(cpu, {}, *process.cpu_seconds);
  out.push_back(std::move(cpu));
  append_gauge(out, "process_start_time_seconds",
               "Start of the process, in seconds since the Unix epoch.",
               process.start_time_seconds);
  append_gauge(out, "process_resident_memory_bytes", "Memory of the process in RAM, in bytes.",
               process.resident_bytes);
  append_gauge(out, "process_virtual_memory_bytes", "Address space of the process, in bytes.",
               process.virtual_bytes);
  append_gauge(out, "process_open_fds", "File descriptors the process has open.", process.open_fds);
  append_gauge(out, "process_max_fds", "File descriptors the process may have open.",
               process.max_fds);
  append_gauge(out, "process_threads", "Threads of the process.", process.threads);
}

}  // namespace sluice::metrics
