#include "proxy/program/demo_report.hpp"

#include <cmath>
#include <ostream>

#include "proxy/json_writer.hpp"
#include "proxy/program/demo_text.hpp"
#include "proxy/program/table.hpp"

namespace sluice::proxy::program {
namespace {

constexpr std::size_t report_bar_width = 40;

std::string share_text(const DemoCounts& counts) {
  DemoSecond all;
  all.counts = counts;
  return format("%.2f %%", 100 * all.new_share());
}

Table::Cell count_cell(std::uint64_t count) {
  return {std::to_string(count)};
}

void add_row(Table& table, const std::string& title, const DemoCounts& counts) {
  table.add({{title},
             count_cell(counts.requests()),
             count_cell(counts.answers[0]),
             count_cell(counts.answers[1]),
             {share_text(counts)},
             {std::to_string(counts.failures), counts.failures == 0 ? Tone::good : Tone::bad},
             {milliseconds_text(counts.latencies.quantile(0.5))},
             {milliseconds_text(counts.latencies.quantile(0.99))},
             {milliseconds_text(counts.latencies.max())}});
}

std::uint64_t microseconds_of(std::chrono::microseconds duration) {
  return static_cast<std::uint64_t>(duration.count());
}

void write_counts(JsonWriter& json, const DemoCounts& counts) {
  json.key("requests").number(counts.requests());
  json.key("v1").number(counts.answers[0]);
  json.key("v2").number(counts.answers[1]);
  json.key("failures").number(counts.failures);
  json.key("latency_us").open_object();
  json.key("p50").number(microseconds_of(counts.latencies.quantile(0.5)));
  json.key("p99").number(microseconds_of(counts.latencies.quantile(0.99)));
  json.key("max").number(microseconds_of(counts.latencies.max()));
  json.close_object();
}

void write_drain(JsonWriter& json, const DemoDrain& drain) {
  json.key("drain").open_object();
  json.key("drained").boolean(drain.drained);
  json.key("took_ms").number(static_cast<std::uint64_t>(drain.took.count()));
  json.key("in_flight").number(drain.in_flight);
  json.key("upgraded").number(drain.upgraded);
  json.key("open").number(drain.open);
  json.key("cut").number(drain.cut);
  json.close_object();
}

}  // namespace

void DemoReport::open(const Places& places) {
  out_ << toned("sluice demo", Tone::strong, colour_)
       << ": a release from shop-v1 to shop-v2 by hand, under load;\n"
          "then three releases that the proxy judges by itself\n\n";
  for (std::size_t i = 0; i < places.services.size(); ++i)
    out_ << "  " << demo_pools[i] << "  http://" << places.services[i] << "/\n";
  out_ << "  proxy    http://" << places.traffic << "/\n"
       << "  admin    http://" << places.admin << "/    (sluice status --admin " << places.admin
       << ")\n"
       << "  watch    " << places.page << "\n\n"
       << toned(
              "   time  weights  last second: 1 = shop-v1, 2 = shop-v2             v2  "
              "requests/s  failed      p99",
              Tone::strong, colour_)
       << std::endl;
}

void DemoReport::command(std::chrono::milliseconds at, const std::string& line) {
  out_ << "  " << clock_text(at) << "  " << toned("$ " + line, Tone::strong, colour_) << std::endl;
}

void DemoReport::note(std::chrono::milliseconds at, const std::string& sentence) {
  out_ << "  " << clock_text(at) << "  " << sentence << std::endl;
}

void DemoReport::second(const DemoSecond& second) {
  write_second(second, "");
}

/// `more` goes behind the columns.
void DemoReport::write_second(const DemoSecond& second, const std::string& more) {
  const std::string weights = format("%.4g/%.4g", 100 - second.new_weight, second.new_weight);
  out_ << "  " << clock_text(second.at) << format("  %7s  ", weights.c_str()) << bar(second)
       << format("  %6.1f %%", 100 * second.new_share())
       << format("  %10llu  ", static_cast<unsigned long long>(second.per_second()))
       << toned(format("%6llu", static_cast<unsigned long long>(second.counts.failures)),
                second.counts.failures == 0 ? Tone::plain : Tone::bad, colour_)
       << format("  %8s", milliseconds_text(second.counts.latencies.quantile(0.99)).c_str()) << more
       << std::endl;
}

/// A version that answered at all has at least one character.
std::string DemoReport::bar(const DemoSecond& second) const {
  const double new_share = second.new_share();
  const auto sign = [](std::size_t version) { return static_cast<char>('1' + version); };
  auto fresh = static_cast<std::size_t>(std::lround(new_share * double{report_bar_width}));
  if (new_share > 0 && fresh == 0) fresh = 1;
  if (new_share < 1 && fresh == report_bar_width) fresh = report_bar_width - 1;
  return toned(std::string(report_bar_width - fresh, sign(second.old_version)), Tone::warning,
               colour_) +
         toned(std::string(fresh, sign(second.new_version)), Tone::good, colour_);
}

void DemoReport::close(const DemoOutcome& outcome) {
  write_table(outcome);
  write_findings(outcome);
}

void DemoReport::write_table(const DemoOutcome& outcome) {
  Table table({{"weights"},
               {"requests", align_right},
               {"shop-v1", align_right},
               {"shop-v2", align_right},
               {"share of v2", align_right},
               {"failures", align_right},
               {"p50", align_right},
               {"p99", align_right},
               {"max", align_right}});
  for (std::size_t i = 0; i < demo_steps.size(); ++i)
    add_row(table, demo_steps[i].title, outcome.steps[i]);
  add_row(table, "all", outcome.total);
  out_ << "\n" << table.text(colour_) << "\n";
}

void DemoReport::write_findings(const DemoOutcome& outcome) {
  const DemoDrain& drain = outcome.drain;
  out_ << "Weight 0 is nothing: shop-v2 answered " << outcome.new_answers_at_zero()
       << " requests at 100/0, shop-v1 answered " << outcome.old_answers_at_zero()
       << " that started after 0/100 was confirmed.\n"
       << "Drain of shop-v1: " << (drain.drained ? "drained" : "not drained") << " after "
       << format("%.1f s", static_cast<double>(drain.took.count()) / 1000) << ". The proxy counts "
       << drain.in_flight << " in flight, " << drain.upgraded << " upgraded, " << drain.open
       << " open, " << drain.cut << " cut; shop-v1 itself counts " << outcome.old_connections
       << " connections.\n";
  if (outcome.download_failure.empty())
    out_ << "A download that began on shop-v1 at 100/0 came complete: " << outcome.download_octets
         << (outcome.drain_waited ? " octets; the drain waited for it.\n" : " octets.\n");
  for (const std::string& complaint : outcome.complaints())
    out_ << toned("Not as it should be: " + complaint + ".", Tone::bad, colour_) << "\n";
  if (outcome.failures() == 0) out_ << toned("No request failed.", Tone::good, colour_) << "\n";
  out_.flush();
}

std::string demo_json(const DemoOutcome& outcome) {
  JsonWriter json;
  json.open_object();
  json.key("ok").boolean(outcome.complaints().empty());
  json.key("complaints").open_array();
  for (const std::string& complaint : outcome.complaints()) json.text(complaint);
  json.close_array();
  write_counts(json, outcome.total);
  json.key("first_failure").text(outcome.first_failure);
  json.key("steps").open_array();
  for (std::size_t i = 0; i < demo_steps.size(); ++i) {
    json.open_object().key("title").text(demo_steps[i].title);
    json.key("old_weight").number(demo_steps[i].old_weight);
    json.key("new_weight").number(demo_steps[i].new_weight);
    write_counts(json, outcome.steps[i]);
    json.close_object();
  }
  json.close_array();
  write_drain(json, outcome.drain);
  json.key("v1_connections_after_drain").number(outcome.old_connections);
  json.key("v1_answers_at_weight_0").number(outcome.old_answers_at_zero());
  json.key("v2_answers_at_weight_0").number(outcome.new_answers_at_zero());
  json.key("served").open_object();
  json.key("v1").number(outcome.served[0]).key("v2").number(outcome.served[1]);
  json.close_object().key("download").open_object();
  json.key("complete").boolean(outcome.download_failure.empty());
  json.key("octets").number(outcome.download_octets);
  json.key("drain_waited").boolean(outcome.drain_waited);
  json.close_object().key("releases").open_array();
  for (const DemoRelease& release : outcome.releases) write(json, release);
  json.close_array().close_object();
  return json.line();
}

}  // namespace sluice::proxy::program
