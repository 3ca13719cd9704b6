#include "proxy/mirror.hpp"

#include <array>

#include "core/hop.hpp"
#include "proxy/exchange.hpp"
#include "proxy/head_parser.hpp"

namespace sluice::proxy {

void Mirror::maybe_start(Worker& worker, const Request& request, Original original) {
  const core::Trial* trial = request.split().trial();
  if (trial == nullptr || trial->mirror_share <= 0 || worker.mirrors() >= most) return;
  const Record& record = request.record;
  const bool is_plain = (record.method == "GET" || record.method == "HEAD") &&
                        request.framing.kind == core::BodyKind::none && request.upgrade.empty();
  const auto& shares = request.live_route().shares;
  const bool is_of_old =
      trial->old_share < shares.size() && request.served_by == shares[trial->old_share].tally;
  if (!is_plain || !is_of_old || worker.random().fraction() >= trial->mirror_share) return;
  auto* mirror = new Mirror(worker, request, original);
  spawn(mirror->run(), [mirror](std::exception_ptr) { delete mirror; });
}

Mirror::Mirror(Worker& worker, const Request& request, Original original)
    : worker_(worker),
      plan_(request.plan),
      trial_(*request.split().trial()),
      original_(original),
      head_(request.backend_head),
      timeouts_(request.timeouts()),
      is_head_(request.is_head) {
  ++worker_.mirrors();
  const std::uint32_t pool = request.split().shares()[trial_.new_share].pool;
  ticket_ = plan_->topology->pools[pool]->balancer.choose(worker_.random().next(), {});
  if (ticket_) {
    backend_ = LocalPtr<LiveBackend>(static_cast<LiveBackend*>(&ticket_.backend()));
  }
}

Mirror::~Mirror() {
  --worker_.mirrors();
}

Task<void> Mirror::run() {
  const TimePoint begun = Clock::now();
  core::ResponseHead head;
  bool is_answered = false;
  if (ticket_ && co_await connect()) {
    std::array<iovec, 1> piece{iovec{head_.data(), head_.size()}};
    connection_->mark_sent();
    is_answered =
        co_await connection_->stream().write(piece, timeouts_.backend_idle) == IoError::none &&
        co_await receive_head(head);
  }
  const unsigned status = is_answered ? head.status : 0;
  const std::uint64_t taken = ns_between(begun, Clock::now());
  if (TrialTally* tally = worker_.trials().find(trial_.key)) {
    tally->count_mirrored(status != original_.status || tally->is_slow_for_new(taken));
  }
  const bool is_whole = is_answered && co_await drain_body(head);
  ticket_.finish();
  if (is_whole) backend_->give_idle(std::move(connection_));
}

Task<bool> Mirror::connect() {
  connection_ = backend_->take_idle(false);
  if (connection_ != nullptr) co_return true;
  if (backend_->addresses.empty()) co_return false;
  connection_ = std::make_unique<BackendConnection>(
      backend_, make_stream(worker_.reactor(), worker_.wheel(), worker_.blocks()));
  const SocketAddress address = backend_->next_address();
  co_return co_await connection_->stream().connect(address, timeouts_.connect) == IoError::none;
}

Task<bool> Mirror::receive_head(core::ResponseHead& head) {
  Stream& stream = connection_->stream();
  LimitSettings limits;
  limits.head = max_answer_head;
  const TimePoint deadline = deadline_of(timeouts_.first_byte, Clock::now());
  for (HeadScan scan;;) {
    if (!stream.in().is_empty()) {
      const auto found = scan.look(stream.in().view(), limits, false);
      if (found == HeadScan::Found::refused) co_return false;
      if (found == HeadScan::Found::head) {
        head.fields.clear();
        if (parse_response_head(stream.in().view().substr(0, scan.size()), head)) co_return false;
        if (head.status == 101) co_return false;
        if (head.status >= 200) {
          head_size_ = scan.size();
          co_return true;
        }
        stream.in().consume(scan.size());
        scan.reset();
        continue;
      }
    }
    if (co_await stream.read_until(deadline) != IoError::none) co_return false;
  }
}

/// Throws the body away. True when the connection can carry another request.
Task<bool> Mirror::drain_body(const core::ResponseHead& head) {
  const auto framing = core::frame_response(head, is_head_);
  if (!framing || framing->kind == core::BodyKind::until_close) co_return false;
  const bool persists = core::persists(head.minor, core::connection_options(head.fields));
  Stream& stream = connection_->stream();
  stream.in().consume(head_size_);
  BodyReader body;
  body.start(*framing, trial_.mirror_body);
  while (!body.is_done()) {
    const BodyReader::Piece piece = body.next(stream.in().view());
    stream.in().consume(piece.consumed);
    if (piece.status == BodyReader::Status::bad || piece.status == BodyReader::Status::too_large) {
      co_return false;
    }
    if (piece.status != BodyReader::Status::more) continue;
    if (co_await stream.read(timeouts_.backend_idle) != IoError::none) co_return false;
  }
  co_return persists;
}

}  // namespace sluice::proxy
