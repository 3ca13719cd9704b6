#include "proxy/prometheus_answer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace sluice::proxy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string success(const std::string& type, const std::string& result) {
  return R"({"status":"success","data":{"resultType":")" + type + R"(","result":)" + result + "}}";
}

std::string failure(const std::string& body, unsigned status = 200) {
  const auto values = read_prometheus(status, body);
  return values ? "no failure" : values.error();
}

TEST(PrometheusAnswer, AVectorHasAValueForEachSeries) {
  const auto values = read_prometheus(
      200, success("vector", R"([{"metric":{"host":"a"},"value":[1714564800.123,"0.5"]},)"
                             R"({"metric":{},"value":[1714564800,"-1e-3"]}])"));
  ASSERT_TRUE(values) << values.error();
  EXPECT_THAT(*values, ElementsAre(0.5, -0.001));
}

TEST(PrometheusAnswer, AScalarHasOne) {
  const auto values = read_prometheus(200, success("scalar", R"([1714564800.123,"42"])"));
  ASSERT_TRUE(values) << values.error();
  EXPECT_THAT(*values, ElementsAre(42));
}

TEST(PrometheusAnswer, InfinityIsAValueAndNaNIsNone) {
  const auto values = read_prometheus(
      200, success("vector", R"([{"value":[1,"NaN"]},{"value":[1,"+Inf"]},{"value":[1,"-Inf"]}])"));
  ASSERT_TRUE(values) << values.error();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  EXPECT_THAT(*values, ElementsAre(infinity, -infinity));
  EXPECT_EQ(failure(success("scalar", R"([1,"NaN"])")), "the result has no value");
}

TEST(PrometheusAnswer, HistogramsAreLeftOut) {
  EXPECT_EQ(failure(success("vector", R"([{"metric":{},"histogram":[1,{"count":"5"}]}])")),
            "the result has no value");
}

TEST(PrometheusAnswer, NoSeriesIsNoValue) {
  EXPECT_EQ(failure(success("vector", "[]")), "the result has no value");
}

TEST(PrometheusAnswer, OtherResultsAreNotUnderstood) {
  EXPECT_EQ(failure(success("matrix", "[]")), "the result is a matrix, not a vector or a scalar");
  EXPECT_EQ(failure(success("string", R"([1,"x"])")),
            "the result is a string, not a vector or a scalar");
}

TEST(PrometheusAnswer, WhatIsNotAsDocumentedIsMalformed) {
  for (const std::string result :
       {"{}", R"("0.5")", "[0.5]", "[{}]", R"([{"value":"0.5"}])", R"([{"value":["0.5"]}])",
        R"([{"value":[1,0.5]}])", R"([{"value":[1,"0.5 "]}])", R"([{"value":[1,""]}])",
        R"([{"value":[1,"++1"]}])", R"([{"value":[1,"0.5","0.6"]}])"}) {
    EXPECT_EQ(failure(success("vector", result)), "the vector of the answer is malformed")
        << result;
  }
  EXPECT_EQ(failure(success("scalar", R"({"value":[1,"2"]})")),
            "the scalar of the answer is malformed");
  EXPECT_EQ(failure("{}"), "the answer has no data");
  EXPECT_EQ(failure("[]"), "the answer has no data");
  EXPECT_EQ(failure(R"({"status":"success","data":{}})"), "the answer has no result");
  for (const std::string body : {"", "<html>", R"({"status":"succ)"}) {
    EXPECT_THAT(failure(body), StartsWith("the answer is not JSON: ")) << body;
  }
}

TEST(PrometheusAnswer, AnErrorSaysWhatPrometheusSays) {
  const std::string body =
      R"({"status":"error","errorType":"bad_data","error":"1:5: parse error: no \"}\""})";
  EXPECT_EQ(failure(body, 400), R"(status 400: "1:5: parse error: no "}"")");
  EXPECT_THAT(failure(body, 200), HasSubstr("parse error"));
  EXPECT_EQ(failure("no backend\nhere", 503), R"(status 503: "no backend")");
  EXPECT_EQ(failure("", 302), "status 302");
  EXPECT_EQ(failure(success("scalar", R"([1,"2"])"), 500).substr(0, 10), "status 500");
}

TEST(PrometheusAnswer, TheExpressionIsEncoded) {
  EXPECT_EQ(query_path("/", "max(cpu{pool='shop-v2'}) + 1_0.5~"),
            "/api/v1/query?query=max%28cpu%7Bpool%3D%27shop-v2%27%7D%29%20%2B%201_0.5~");
  EXPECT_EQ(query_path("/", "a&b#\n\xc3\xa9%"), "/api/v1/query?query=a%26b%23%0A%C3%A9%25");
}

TEST(PrometheusAnswer, ThePathOfTheServerIsKept) {
  EXPECT_EQ(query_path("/prometheus", "up"), "/prometheus/api/v1/query?query=up");
  EXPECT_EQ(query_path("/a/b/", "up"), "/a/b/api/v1/query?query=up");
}

}  // namespace
}  // namespace sluice::proxy
