#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/relay.hpp"
#include "tests/proxy/loop.hpp"
#include "tests/proxy/relayed_text.hpp"

namespace sluice::proxy {
namespace {

using core::BodyFraming;
using core::BodyKind;
using testing::Line;
using testing::Loop;
using testing::Running;
using testing::seconds;

std::string in_chunks(std::string_view body, std::size_t size, std::string_view trailers = "") {
  std::string text;
  for (std::size_t at = 0; at < body.size(); at += size) {
    const std::string_view chunk = body.substr(at, size);
    char line[core::chunk_size_room];
    text.append(&line[0], core::write_chunk_size(line, chunk.size()));
    text.append(chunk).append("\r\n");
  }
  return text.append("0\r\n").append(trailers).append("\r\n");
}

/// The data of a chunked body, or "bad" when it is none.
std::string out_of_chunks(std::string_view text, std::string* trailers = nullptr) {
  core::ChunkDecoder decoder;
  std::string body;
  for (;;) {
    const core::ChunkDecoder::Piece piece = decoder.feed(text);
    body.append(piece.data);
    text.remove_prefix(piece.consumed);
    if (piece.status == core::ChunkDecoder::Status::data) continue;
    if (piece.status != core::ChunkDecoder::Status::done || !text.empty()) return "bad";
    if (trailers != nullptr) *trailers = decoder.trailers();
    return body;
  }
}

/// One body on its way from a sender to a receiver.
struct Transfer {
  Transfer(const BodyFraming& in, BodyKind out) : from(loop), to(loop), framing(out) {
    body.start(in, 0);
  }

  /// Sends `wire` in pieces of `step` octets and takes in everything that arrives.
  RelayEnd run(std::string_view wire, std::size_t step, bool then_finish) {
    Running<RelayEnd> relaying(relay_body(
        {*from.stream, body, *to.stream, framing, seconds(60), seconds(60), replay}, relayed_head));
    loop.run_until([&] {
      wire.remove_prefix(from.peer.send(wire.substr(0, step)));
      if (wire.empty() && then_finish) from.peer.finish_sending();
      to.peer.take();
      return relaying.is_done();
    });
    const RelayEnd end = relaying.wait(loop);
    to.peer.take_all();
    return end;
  }
  /// What came behind the head; "no head" when it did not come first.
  std::string received() const {
    const std::string& all = to.peer.received();
    return all.starts_with(relayed_head) ? all.substr(relayed_head.size()) : "no head";
  }

  Loop loop;
  Line from;
  Line to;
  BodyReader body;
  BodyKind framing;
  ReplayBuffer* replay = nullptr;
};

struct Case {
  BodyKind in;
  BodyKind out;
  std::size_t size;
  std::size_t step;
};

class RelayFramingTest : public ::testing::TestWithParam<Case> {};

TEST_P(RelayFramingTest, TheBodyArrivesWholeAndWellFramed) {
  const auto [in, out, size, step] = GetParam();
  const std::string body = numbers(size);
  std::string wire = in == BodyKind::chunked ? in_chunks(body, 1000) : body;
  Transfer transfer({in, in == BodyKind::length ? size : 0}, out);
  EXPECT_EQ(transfer.run(wire, step, in == BodyKind::until_close), RelayEnd::complete);
  const std::string received = transfer.received();
  EXPECT_TRUE((out == BodyKind::chunked ? out_of_chunks(received) : received) == body)
      << received.substr(0, 200);
  EXPECT_EQ(transfer.body.octets(), size);
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const BodyKind in : {BodyKind::length, BodyKind::chunked, BodyKind::until_close}) {
    for (const BodyKind out : {BodyKind::length, BodyKind::chunked, BodyKind::until_close}) {
      // An empty body of known length is over before it begins: it is relayed as no body.
      const bool is_none = in == BodyKind::length && out == BodyKind::chunked;
      if (!is_none) cases.push_back({in, out, 0, 100});
      cases.push_back({in, out, 1, 1});
      cases.push_back({in, out, 300, 1});
      cases.push_back({in, out, 100'000, 777});
      cases.push_back({in, out, 1'000'000, 200'000});
    }
  }
  return cases;
}

std::string name_of(const ::testing::TestParamInfo<Case>& tested) {
  const auto word = [](BodyKind kind) {
    return kind == BodyKind::length ? "Length" : kind == BodyKind::chunked ? "Chunked" : "Close";
  };
  return std::string(word(tested.param.in)) + "To" + word(tested.param.out) +
         std::to_string(tested.param.size) + "By" + std::to_string(tested.param.step);
}

INSTANTIATE_TEST_SUITE_P(EveryFramingToEveryOther, RelayFramingTest,
                         ::testing::ValuesIn(all_cases()), name_of);

TEST(RelayBodyTest, WithoutABodyOnlyTheHeadGoesOut) {
  for (const BodyKind out : {BodyKind::none, BodyKind::length, BodyKind::chunked}) {
    Transfer transfer({BodyKind::none, 0}, out);
    EXPECT_EQ(transfer.run("", 1, false), RelayEnd::complete);
    EXPECT_EQ(transfer.received(), "");
  }
}

TEST(RelayBodyTest, TheHeadDoesNotWaitForTheBody) {
  Transfer transfer({BodyKind::length, 5}, BodyKind::length);
  Running<RelayEnd> relaying(relay_body({*transfer.from.stream, transfer.body, *transfer.to.stream,
                                         BodyKind::length, seconds(60), seconds(60)},
                                        relayed_head));
  transfer.loop.settle();
  EXPECT_EQ(transfer.to.peer.take_all(), relayed_head);
  transfer.from.peer.send("12345");
  EXPECT_EQ(relaying.wait(transfer.loop), RelayEnd::complete);
}

TEST(RelayBodyTest, EveryPieceIsPassedOnBeforeTheNextOneComes) {
  Transfer transfer({BodyKind::chunked, 0}, BodyKind::chunked);
  Running<RelayEnd> relaying(relay_body({*transfer.from.stream, transfer.body, *transfer.to.stream,
                                         BodyKind::chunked, seconds(60), seconds(60)},
                                        ""));
  transfer.from.peer.send("3\r\nabc");
  transfer.loop.settle();
  EXPECT_EQ(transfer.to.peer.take_all(), "3\r\nabc\r\n");
  transfer.from.peer.send("\r\n0\r\n\r\n");
  EXPECT_EQ(relaying.wait(transfer.loop), RelayEnd::complete);
  EXPECT_EQ(transfer.to.peer.take_all(), "3\r\nabc\r\n0\r\n\r\n");
}

TEST(RelayBodyTest, ManySmallChunksInOneReceptionStayInOrder) {
  std::string body;
  std::string wire;
  for (int i = 0; i < 500; ++i) {
    const std::string piece = std::to_string(i % 10);
    body += piece;
    wire += "1\r\n" + piece + "\r\n";
  }
  Transfer transfer({BodyKind::chunked, 0}, BodyKind::chunked);
  EXPECT_EQ(transfer.run(wire + "0\r\n\r\n", 1 << 20, false), RelayEnd::complete);
  EXPECT_EQ(out_of_chunks(transfer.received()), body);
}

TEST(RelayBodyTest, TrailersFollowTheLastChunk) {
  Transfer transfer({BodyKind::chunked, 0}, BodyKind::chunked);
  EXPECT_EQ(transfer.run(in_chunks("data", 2, "Digest: abc\r\nContent-Length: 7\r\n"), 3, false),
            RelayEnd::complete);
  std::string trailers;
  EXPECT_EQ(out_of_chunks(transfer.received(), &trailers), "data");
  EXPECT_EQ(trailers, "Digest: abc\r\n") << "a framing field is no trailer";
}

TEST(RelayBodyTest, WhatFollowsTheBodyStaysInTheBuffer) {
  for (const BodyKind in : {BodyKind::length, BodyKind::chunked}) {
    Transfer transfer({in, in == BodyKind::length ? 4U : 0U}, BodyKind::chunked);
    const std::string wire = in == BodyKind::length ? "body" : in_chunks("body", 2);
    transfer.from.peer.send(wire + "GET /next");
    ASSERT_TRUE(transfer.loop.run_until([&] { return transfer.from.stream->may_have_input(); }));
    EXPECT_EQ(
        Running<IoError>(testing::read(*transfer.from.stream, seconds(1))).wait(transfer.loop),
        IoError::none);
    EXPECT_EQ(transfer.run("", 1, false), RelayEnd::complete);
    EXPECT_EQ(out_of_chunks(transfer.received()), "body");
    EXPECT_EQ(transfer.from.stream->in().view(), "GET /next");
  }
}

TEST(RelayReplayTest, KeepsExactlyWhatWentOutBehindTheHead) {
  ReplayBuffer replay;
  replay.reset(true);
  Transfer transfer({BodyKind::chunked, 0}, BodyKind::chunked);
  transfer.replay = &replay;
  EXPECT_EQ(transfer.run(in_chunks(numbers(5000), 100), 333, false), RelayEnd::complete);
  EXPECT_TRUE(replay.is_complete());
  EXPECT_TRUE(replay.octets() == transfer.received());
}

TEST(RelayReplayTest, GivesUpBeyondItsLimitButTheBodyGoesOn) {
  ReplayBuffer replay;
  replay.reset(true);
  const std::string body = numbers(ReplayBuffer::limit + 1);
  Transfer transfer({BodyKind::length, body.size()}, BodyKind::length);
  transfer.replay = &replay;
  EXPECT_EQ(transfer.run(body, 10'000, false), RelayEnd::complete);
  EXPECT_FALSE(replay.is_complete());
  EXPECT_TRUE(replay.octets().empty());
  EXPECT_TRUE(transfer.received() == body);
}

TEST(RelayReplayTest, HoldsABodyOfExactlyItsLimit) {
  ReplayBuffer replay;
  replay.reset(true);
  replay.keep(numbers(ReplayBuffer::limit - 1));
  replay.keep("x");
  EXPECT_TRUE(replay.is_complete());
  replay.keep("y");
  EXPECT_FALSE(replay.is_complete());
  replay.reset(true);
  EXPECT_TRUE(replay.is_complete());
  replay.reset(false);
  replay.keep("z");
  EXPECT_FALSE(replay.is_complete());
}

}  // namespace
}  // namespace sluice::proxy
