#include "proxy/notices.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "core/difference.hpp"
#include "proxy/json_writer.hpp"

namespace sluice::proxy {
namespace {

template <class Items, class Text>
std::string joined(const Items& items, Text text) {
  std::string result;
  for (const auto& item : items) {
    if (!result.empty()) result += ' ';
    result += text(item);
  }
  return result;
}

std::string drain_body(const DrainChange& change) {
  const DrainStatus& status = change.status;
  JsonWriter body;
  body.open_object().key("pool").text(status.pool).key("backend").text(status.backend);
  body.key("who").text(change.who).key("state").text(to_string(status.state));
  body.key("in_flight").number(status.in_flight).key("upgraded").number(status.upgraded);
  body.key("open").number(status.open).key("cut").number(status.cut).close_object();
  return body.str();
}

}  // namespace

std::string in_words(const std::vector<ShareSettings>& shares) {
  return joined(shares, [](const ShareSettings& share) {
    return share.pool + "=" + weight_text(share.weight);
  });
}

std::string in_words(const std::vector<BackendSettings>& backends) {
  return joined(backends, [](const BackendSettings& backend) {
    return backend.address + "@" + weight_text(backend.weight);
  });
}

std::string subject_of(const DrainStatus& status) {
  return status.backend.empty() ? status.pool : status.pool + " " + status.backend;
}

Notices::Notices(boost::asio::io_context& control, std::shared_ptr<Observer> observer)
    : control_(control), observer_(observer ? std::move(observer) : std::make_shared<Observer>()) {}

void Notices::log(LogLevel level, const std::string& line) noexcept {
  observer_->on_log(level, line);
}

LogSink Notices::sink() {
  return [this](LogLevel level, const std::string& line) { log(level, line); };
}

LogSink Notices::from_any_thread() {
  return [this](LogLevel level, std::string line) {
    boost::asio::post(control_, [this, level, line = std::move(line)] { log(level, line); });
  };
}

void Notices::audit(const Audit& audit) noexcept {
  observer_->on_audit(audit);
}

void Notices::split(const SplitChange& change) noexcept {
  JsonWriter body;
  body.open_object().key("route").text(change.route).key("before").text(in_words(change.before));
  body.key("after").text(in_words(change.after)).key("revision").number(change.revision);
  body.key("who").text(change.who).key("why").text(change.why).close_object();
  events_.add("split", body.str());
  observer_->on_split_changed(change);
}

void Notices::health(const HealthChange& change) noexcept {
  const std::string name = "backend " + change.backend + " of pool " + change.pool;
  if (change.state == HealthState::up) {
    log(LogLevel::info, name + " is up");
  } else {
    log(LogLevel::warn, name + " is down: " + change.seen);
  }
  JsonWriter body;
  body.open_object().key("pool").text(change.pool).key("backend").text(change.backend);
  body.key("health").text(to_string(change.state)).key("who").text("health check");
  body.key("why").text(change.seen).close_object();
  events_.add("health", body.str());
  observer_->on_health_changed(change);
}

void Notices::drain_begun(const DrainChange& change) noexcept {
  events_.add("drain", drain_body(change));
  observer_->on_drain_begun(change);
}

void Notices::drained(const DrainChange& change) noexcept {
  log(LogLevel::info,
      subject_of(change.status) + " is drained, " + std::to_string(change.status.cut) + " cut");
  events_.add("drained", drain_body(change));
  observer_->on_drained(change);
}

void Notices::undrained(const DrainChange& change) noexcept {
  events_.add("undrain", drain_body(change));
  observer_->on_undrained(change);
}

void Notices::membership(const MembershipChange& change) noexcept {
  JsonWriter body;
  body.open_object().key("pool").text(change.pool).key("before").text(in_words(change.before));
  body.key("after").text(in_words(change.after)).key("who").text(change.who);
  body.key("why").text(change.why).close_object();
  events_.add("membership", body.str());
  observer_->on_membership_changed(change);
}

void Notices::rollout(const RolloutNotice& notice) noexcept {
  const bool is_alarm = notice.decision == "rollback" || notice.decision == "hold" ||
                        notice.decision == "eject" || notice.decision == "step_back";
  log(is_alarm ? LogLevel::warn : LogLevel::info,
      "rollout " + notice.id + " of route " + notice.route + ": " + notice.decision +
          (notice.words.empty() ? "" : ": " + notice.words));
  JsonWriter body;
  body.open_object().key("route").text(notice.route).key("id").text(notice.id);
  body.key("state").text(notice.state).key("decision").text(notice.decision);
  body.key("reason").text(notice.reason).key("words").text(notice.words);
  body.key("weight").weight(notice.weight).key("who").text("rollout");
  body.key("why").text(notice.reason).close_object();
  events_.add("rollout", body.str());
  observer_->on_rollout(notice);
}

void Notices::reload(const ReloadNotice& notice) noexcept {
  for (const Problem& problem : notice.problems) {
    log(LogLevel::error,
        "reload refused: " + (problem.where.empty() ? "" : problem.where + ": ") + problem.what);
  }
  for (const std::string& sentence : notice.notices) log(LogLevel::warn, sentence);
  const bool is_taken = notice.problems.empty();
  if (is_taken) {
    log(LogLevel::info, "reloaded: generation " + std::to_string(notice.generation));
    for (const std::string& change : core::in_words(notice.changes)) {
      log(LogLevel::info, "reloaded: " + change);
    }
  }
  JsonWriter body;
  body.open_object().key("taken").boolean(is_taken).key("generation").number(notice.generation);
  body.key("problems").open_array();
  for (const Problem& problem : notice.problems) body.text(problem.where + ": " + problem.what);
  body.close_array().key("notices").open_array();
  for (const std::string& sentence : notice.notices) body.text(sentence);
  body.close_array().key("changes").open_array();
  for (const std::string& change : core::in_words(notice.changes)) body.text(change);
  body.close_array().key("who").text(notice.who).key("why").text(notice.why).close_object();
  events_.add("reload", body.str());
  observer_->on_reload(notice);
}

void Notices::reload_confirmed(std::uint64_t record, const std::string& who) noexcept {
  log(LogLevel::info,
      "the settings of record " + std::to_string(record) + " are confirmed by " + who);
  JsonWriter body;
  body.open_object().key("confirmed").number(record).key("who").text(who);
  body.key("why").text("confirmation").close_object();
  events_.add("reload", body.str());
}

void Notices::decider(const DeciderStatus& decider) noexcept {
  JsonWriter body;
  body.open_object().key("is_self").boolean(decider.is_self).key("held_by").text(decider.held_by);
  body.key("who").text("sluice").key("why").text("state folder").close_object();
  events_.add("decider", body.str());
}

void Notices::readiness(const Readiness& readiness) noexcept {
  JsonWriter body;
  body.open_object().key("ready").boolean(readiness.ready).key("reason").text(readiness.reason);
  body.close_object();
  events_.add("state", body.str());
  observer_->on_readiness_changed(readiness);
}

void Notices::stopped(std::size_t cut) noexcept {
  observer_->on_stopped(cut);
}

}  // namespace sluice::proxy
