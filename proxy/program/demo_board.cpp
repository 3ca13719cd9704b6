#include "proxy/program/demo_board.hpp"

#include "proxy/json_writer.hpp"
#include "proxy/program/demo_page.hpp"

namespace sluice::proxy::program {
namespace {

constexpr std::size_t seconds_kept = 90;

std::uint64_t whole(std::chrono::microseconds duration) {
  return static_cast<std::uint64_t>(duration.count());
}

void write(JsonWriter& json, const DemoSecond& second) {
  json.open_object();
  json.key("at_ms").number(static_cast<std::uint64_t>(second.at.count()));
  json.key("new_weight").decimal(second.new_weight);
  json.key("old").number(second.counts.answers[second.old_version]);
  json.key("new").number(second.counts.answers[second.new_version]);
  json.key("failures").number(second.counts.failures);
  json.key("per_second").number(second.per_second());
  json.key("p50_us").number(whole(second.counts.latencies.quantile(0.5)));
  json.key("p99_us").number(whole(second.counts.latencies.quantile(0.99)));
  json.key("old_connections").number(second.old_connections);
  json.close_object();
}

}  // namespace

double DemoSecond::new_share() const {
  const auto of_old = static_cast<double>(counts.answers[old_version]);
  const auto of_new = static_cast<double>(counts.answers[new_version]);
  return of_new == 0 ? 0 : of_new / (of_old + of_new);
}

std::uint64_t DemoSecond::per_second() const {
  if (length.count() <= 0) return 0;
  return counts.requests() * 1000 / static_cast<std::uint64_t>(length.count());
}

DemoBoard::DemoBoard(std::string shop, const DemoTally& tally)
    : shop_(std::move(shop)),
      tally_(&tally),
      server_([this](std::string_view target) { return answer(target); }) {}

void DemoBoard::add(const DemoSecond& second) {
  const std::scoped_lock lock(mutex_);
  seconds_.push_back(second);
  if (seconds_.size() > seconds_kept) seconds_.pop_front();
}

void DemoBoard::say(const std::string& sentence) {
  const std::scoped_lock lock(mutex_);
  sentence_ = sentence;
}

void DemoBoard::turn_to(const std::string& service, const DemoTally& tally) {
  const std::scoped_lock lock(mutex_);
  service_ = service;
  tally_ = &tally;
}

void DemoBoard::show_rollout(std::string json) {
  const std::scoped_lock lock(mutex_);
  rollout_ = std::move(json);
}

DemoServer::Reply DemoBoard::answer(std::string_view target) const {
  DemoServer::Reply reply;
  reply.fields = "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nContent-Type: ";
  if (target == "/demo/state") {
    reply.fields += "application/json\r\n";
    reply.body = state();
  } else if (target == "/demo/rollout") {
    reply.fields += "application/json\r\n";
    const std::scoped_lock lock(mutex_);
    reply.body = rollout_;
  } else if (target == "/demo" || target == "/") {
    reply.fields +=
        "text/html; charset=utf-8\r\nContent-Security-Policy: default-src 'none'; img-src data:; "
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'\r\n";
    reply.body = demo_page;
  } else {
    reply.status = 404;
    reply.fields += "text/plain\r\n";
    reply.body = "The demonstration is at /demo.\n";
  }
  return reply;
}

std::string DemoBoard::state() const {
  const std::scoped_lock lock(mutex_);
  const DemoCounts total = tally_->total();
  const DemoSecond last = seconds_.empty() ? DemoSecond() : seconds_.back();
  const auto name = [&](std::size_t version) {
    return service_ + "-v" + std::to_string(version + 1);
  };
  JsonWriter json;
  json.open_object();
  json.key("shop").text("http://" + shop_ + "/");
  json.key("sentence").text(sentence_);
  json.key("step").number(last.step);
  json.key("old_name").text(name(last.old_version)).key("new_name").text(name(last.new_version));
  json.key("old").number(total.answers[last.old_version]);
  json.key("new").number(total.answers[last.new_version]);
  json.key("failures").number(total.failures);
  json.key("seconds").open_array();
  for (const DemoSecond& second : seconds_) write(json, second);
  json.close_array().close_object();
  return json.line();
}

}  // namespace sluice::proxy::program
