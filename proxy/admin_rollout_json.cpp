#include "proxy/admin_rollout_json.hpp"

#include <cmath>
#include <string_view>

#include "core/rollout_explain.hpp"
#include "core/rollout_text.hpp"
#include "proxy/admin_json.hpp"
#include "proxy/json_writer.hpp"

namespace sluice::proxy {
namespace {

void write_text_or_null(JsonWriter& json, std::string_view text) {
  if (text.empty())
    json.null();
  else
    json.text(text);
}

void write_moment(JsonWriter& json, std::int64_t ms) {
  write_text_or_null(json, ms > 0 ? utc_text(ms) : std::string());
}

void write_next(JsonWriter& json, const RolloutStatus& rollout) {
  json.key("next").open_object();
  json.key("words").text(rollout.next);
  json.key("at");
  write_moment(json, rollout.next_ms);
  json.close_object();
}

/// Where it is and where it goes.
void write_place(JsonWriter& json, const RolloutStatus& rollout) {
  json.key("id").text(rollout.id);
  json.key("route").text(rollout.route);
  json.key("state").text(to_string(rollout.state));
  json.key("mode").text(rollout.mode == RolloutMode::act ? "act" : "observe");
  json.key("reason").text(rollout.reason);
  json.key("words").text(rollout.words);
  json.key("step").number(rollout.step);
  json.key("steps").number(rollout.steps);
  json.key("from").text(rollout.from);
  json.key("to").text(rollout.to);
  json.key("weights").open_object();
  json.key(rollout.from).weight(core::percent_100 - rollout.weight);
  json.key(rollout.to).weight(rollout.weight);
  json.close_object();
}

void write_evidence(JsonWriter& json, const RolloutStatus& rollout) {
  json.key("evidence").open_object();
  json.key("total").decimal(rollout.evidence);
  json.key("threshold").decimal(rollout.threshold);
  for (const StreamStatus& stream : rollout.streams)
    json.key(to_string(stream.stream)).decimal(stream.evidence);
  json.close_object();
  json.key("ratio_lower_bound").open_object();
  for (const StreamStatus& stream : rollout.streams)
    json.key(to_string(stream.stream)).decimal(stream.ratio_lower_bound);
  json.close_object();
}

void write_counts_of(JsonWriter& json, std::string_view pool, const RolloutStatus& rollout) {
  const bool is_old = pool == "old";
  json.key(pool).open_object();
  json.key("requests").number(is_old ? rollout.requests_old : rollout.requests_new);
  for (const StreamStatus& stream : rollout.streams)
    json.key(to_string(stream.stream)).number((is_old ? stream.old_pool : stream.new_pool).bad);
  json.close_object();
}

void write_counts(JsonWriter& json, const RolloutStatus& rollout) {
  json.key("counts").open_object();
  write_counts_of(json, "old", rollout);
  write_counts_of(json, "new", rollout);
  json.key("requests_step").number(rollout.requests_step);
  json.key("shielded").number(rollout.shielded);
  json.key("bad_delivered").number(rollout.bad_delivered);
  json.key("mirrored").number(rollout.mirrored);
  json.key("mirror_differences").number(rollout.mirror_differences);
  json.close_object();
}

/// All members but the decisions; the object stays open.
void write_members(JsonWriter& json, const RolloutStatus& rollout) {
  write_place(json, rollout);
  write_evidence(json, rollout);
  write_counts(json, rollout);
  json.key("started").open_object();
  json.key("at");
  write_moment(json, rollout.started_ms);
  json.key("by").text(rollout.started_by);
  json.close_object();
  json.key("since");
  write_moment(json, rollout.since_ms);
  write_next(json, rollout);
  json.key("queued");
  write_text_or_null(json, rollout.queued);
  json.key("attempt").number(rollout.attempt);
  json.key("revision").number(rollout.revision);
}

void write_decisions(JsonWriter& json, const RolloutStatus& rollout) {
  json.key("decisions").open_array();
  for (const RolloutDecision& decision : rollout.decisions) {
    json.open_object();
    json.key("at");
    write_moment(json, decision.at_ms);
    json.key("decision").text(decision.decision);
    json.key("reason").text(decision.reason);
    json.key("words").text(decision.words);
    json.close_object();
  }
  json.close_array();
}

void write_stream_counts(JsonWriter& json, const StreamCounts& counts) {
  json.open_object();
  json.key("requests").number(counts.requests);
  json.key("bad").number(counts.bad);
  json.key("rate");
  if (counts.requests == 0)
    json.null();
  else
    json.decimal(static_cast<double>(counts.bad) / static_cast<double>(counts.requests));
  json.close_object();
}

void write_streams(JsonWriter& json, const RolloutStatus& rollout) {
  json.key("streams").open_array();
  for (const StreamStatus& stream : rollout.streams) {
    json.open_object();
    json.key("stream").text(to_string(stream.stream));
    write_stream_counts(json.key("old"), stream.old_pool);
    write_stream_counts(json.key("new"), stream.new_pool);
    json.key("evidence").decimal(stream.evidence);
    json.key("threshold").decimal(core::own_threshold(rollout, stream.stream));
    json.key("ratio_lower_bound").decimal(stream.ratio_lower_bound);
    json.close_object();
  }
  json.close_array();
}

void write_epoch_pool(JsonWriter& json, const std::array<StreamCounts, stream_count>& counts) {
  json.open_object();
  for (std::size_t i = 0; i < stream_count; ++i)
    write_stream_counts(json.key(to_string(static_cast<sluice::Stream>(i))), counts[i]);
  json.close_object();
}

void write_epochs(JsonWriter& json, const RolloutStatus& rollout) {
  json.key("epochs").open_array();
  for (const EpochStatus& epoch : rollout.epochs) {
    json.open_object();
    const double hundredths = std::round(epoch.weight * core::percent_100);
    json.key("weight").weight(static_cast<Weight>(hundredths));
    write_epoch_pool(json.key("old"), epoch.old_pool);
    write_epoch_pool(json.key("new"), epoch.new_pool);
    json.close_object();
  }
  json.close_array();
}

void write_backends(JsonWriter& json, const RolloutStatus& rollout) {
  json.key("backends").open_array();
  for (const BackendEvidence& backend : rollout.backends) {
    json.open_object();
    json.key("backend").text(backend.backend);
    json.key("bad").open_object();
    for (std::size_t i = 0; i < stream_count; ++i)
      json.key(to_string(static_cast<sluice::Stream>(i))).number(backend.bad[i]);
    json.close_object();
    json.close_object();
  }
  json.close_array();
}

}  // namespace

std::string to_json(const RolloutStatus& rollout) {
  JsonWriter json;
  json.open_object();
  write_members(json, rollout);
  return json.close_object().line();
}

std::string to_json(const std::vector<RolloutStatus>& rollouts) {
  JsonWriter json;
  json.open_object().key("rollouts").open_array();
  for (const RolloutStatus& rollout : rollouts) {
    json.open_object();
    write_members(json, rollout);
    write_decisions(json, rollout);
    json.close_object();
  }
  return json.close_array().close_object().line();
}

std::string explanation_json(const RolloutStatus& rollout) {
  JsonWriter json;
  json.open_object();
  json.key("id").text(rollout.id);
  json.key("route").text(rollout.route);
  json.key("state").text(to_string(rollout.state));
  json.key("reason").text(rollout.reason);
  json.key("words").open_array();
  for (const std::string& sentence : core::explain(rollout)) json.text(sentence);
  json.close_array();
  json.key("evidence").decimal(rollout.evidence);
  json.key("threshold").decimal(rollout.threshold);
  write_streams(json, rollout);
  write_epochs(json, rollout);
  write_backends(json, rollout);
  write_decisions(json, rollout);
  write_next(json, rollout);
  return json.close_object().line();
}

}  // namespace sluice::proxy
