#include "proxy/rollout_queries.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "core/bad_when.hpp"
#include "core/quoted.hpp"
#include "proxy/prometheus_answer.hpp"
#include "proxy/rollout_contact.hpp"

namespace sluice::proxy {
namespace {

using Clock = std::chrono::steady_clock;

constexpr milliseconds longest_answer{10'000};

}  // namespace

struct RolloutQueries::Query {
  std::size_t index = 0;
  QuerySettings settings;
  core::BadWhen bad_when;
  HttpOrder order;
  Clock::time_point next;  ///< when it is asked again
  bool is_failing = false;
  std::shared_ptr<void> token;  ///< of the question or the pause
};

RolloutQueries::RolloutQueries(boost::asio::io_context& io, std::vector<QuerySettings> queries,
                               LogSink log, OnSample on_sample)
    : io_(io), log_(std::move(log)), on_sample_(std::move(on_sample)) {
  for (std::size_t index = 0; index < queries.size(); ++index) {
    const auto bad_when = core::parse_bad_when(queries[index].bad_when);
    if (!bad_when) continue;
    auto query = std::make_unique<Query>();
    query->index = index;
    query->settings = std::move(queries[index]);
    query->bad_when = *bad_when;
    query->order = order_to(query->settings.prometheus);
    query->order.path = query_path(query->order.path, query->settings.expr);
    query->order.timeout = std::min(longest_answer, query->settings.interval);
    queries_.push_back(std::move(query));
    ask(*queries_.back());
  }
}

RolloutQueries::~RolloutQueries() = default;

void RolloutQueries::ask(Query& query) {
  const double jitter = 0.9 + 0.2 * random_.fraction();
  const std::chrono::duration<double, std::milli> wait(
      static_cast<double>(query.settings.interval.count()) * jitter);
  query.next = Clock::now() + std::chrono::duration_cast<Clock::duration>(wait);
  query.token = http_call(io_, query.order,
                          [this, &query](const HttpAnswer& answer) { take(query, answer); });
}

void RolloutQueries::take(Query& query, const HttpAnswer& answer) {
  const auto left = std::chrono::ceil<milliseconds>(query.next - Clock::now());
  query.token = pause_for(io_, std::max(left, milliseconds(0)), [this, &query] { ask(query); });
  if (answer.status == 0) return fail(query, answer.error);
  const auto values = read_prometheus(answer.status, answer.body);
  if (!values) return fail(query, values.error());
  if (std::exchange(query.is_failing, false)) log(LogLevel::info, query, "gives samples again");
  const bool is_bad = std::any_of(values->begin(), values->end(), [&query](double value) {
    return core::holds(query.bad_when, value);
  });
  // It may destroy us, and with us itself.
  const auto on_sample = on_sample_;
  if (on_sample) on_sample(query.index, is_bad);
}

void RolloutQueries::fail(Query& query, const std::string& why) {
  if (std::exchange(query.is_failing, true)) return;
  log(LogLevel::warn, query, "gives no sample, which is no evidence: " + why);
}

void RolloutQueries::log(LogLevel level, const Query& query, const std::string& words) const {
  if (!log_) return;
  log_(level, "the query " + core::quoted(query.settings.expr) + " to " +
                  query.settings.prometheus + " " + words);
}

}  // namespace sluice::proxy
