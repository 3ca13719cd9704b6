#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/log_sink.hpp"
#include "proxy/random.hpp"
#include "sluice/rollout_settings.hpp"

namespace sluice::proxy {

struct HttpAnswer;

/// Asks the queries of one rollout, each at once and then again and again, with jitter so that not
/// all are asked at one instant. Control thread.
///
/// The question is an instant query of Prometheus's HTTP API (GET /api/v1/query), below the path of
/// its URL. Vectors and scalars are understood. A sample is bad when any of the values is; NaN
/// counts as no value. No value, an error, or no answer within the interval (10 s at most) is no
/// sample: the log hears of it when it begins and when it ends.
class RolloutQueries {
 public:
  /// A sample of the query with this place in the list. May destroy the object.
  using OnSample = std::function<void(std::size_t query, bool is_bad)>;

  /// `queries` are valid; one without a condition is never asked. This must not outlive `io`.
  /// Destroying it ends what is under way; nothing is called after that.
  RolloutQueries(boost::asio::io_context& io, std::vector<QuerySettings> queries, LogSink log,
                 OnSample on_sample);
  RolloutQueries(const RolloutQueries&) = delete;
  RolloutQueries& operator=(const RolloutQueries&) = delete;
  ~RolloutQueries();

 private:
  struct Query;

  void ask(Query& query);
  void take(Query& query, const HttpAnswer& answer);
  void fail(Query& query, const std::string& why);
  void log(LogLevel level, const Query& query, const std::string& words) const;

  boost::asio::io_context& io_;
  LogSink log_;
  OnSample on_sample_;
  Random random_;
  std::vector<std::unique_ptr<Query>> queries_;
};

}  // namespace sluice::proxy
