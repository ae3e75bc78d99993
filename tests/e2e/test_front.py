# SPDX-License-Identifier: Apache-2.0
"""The API behind a load balancer, one of whose front ends is sick. It holds a connection for as long as it is asked by it; over
another connection another front end answers."""
import time
import unittest

import proof
from balancer import Balancer, HttpTwo
from support import tenant_id, wait_until

TENANTS = 6


def port_of(sim):
    return int(sim.url.rsplit(":", 1)[1])


class Front(proof.Case):
    def start(self, make_ports, tls, status=503, **rule):
        self.sick = self.start_sim(name="sick", tenants=TENANTS, tls=tls, trust_tokens=True,
                                   scenario=[dict(rule, fault="status", status=status, at="api")])
        sim = self.start_sim(tenants=TENANTS, tls=tls, trust_tokens=True)
        self.balancer = Balancer(self, *make_ports(self.sick, sim))
        process = self.use(sim, self.daemon(sim, tenants=TENANTS, input={
            "loginUrl": sim.url, "apiUrl": self.balancer.url, "connectTimeout": "2", "requestTimeout": "2", "pageSize": "10"}))
        self.make(new=60, tenants=TENANTS)
        return process

    def http_two(self, sick, sim):
        return HttpTwo(self, sick, "front-sick").port, HttpTwo(self, sim, "front").port

    def http_one(self, sick, sim):
        return port_of(sick), port_of(sim)

    def gets_away(self, process, fault):
        """By itself, without HUP, and for all tenants; then again under way."""
        self.faults += 1
        process.start()
        self.wait_for_everything(30)
        self.assertTrue(self.sick.requests(None, "/security/"), "the first connection led to the sick one")
        self.make(new=30, updates=10, tenants=TENANTS)
        self.settle()
        self.close_books(fault)
        self.assertLess(self.balancer.count[0], 6, "connections to the sick front end")

    def test_http_2(self):
        """All tenants share the one connection."""
        self.gets_away(self.start(self.http_two, tls=False), "a front end that answers 503, HTTP/2")
        self.assertLess(self.balancer.count[1], 6, "connections to the other, however many tenants got a 503")

    def test_http_2_bad_gateway_with_a_time_to_wait(self):
        self.gets_away(self.start(self.http_two, tls=False, status=502, retryAfter=1), "a front end that answers 502, HTTP/2")

    def test_http_1(self):
        """A connection serves one request at a time, and is closed behind such an answer."""
        process = self.start(self.http_one, tls=True)
        self.faults += 1
        process.start()
        self.wait_for_everything(30)
        self.settle()
        self.close_books("a front end that answers 503, HTTP/1.1")
        ports = [request["port"] for request in self.sick.requests(None, "/security/")]
        self.assertTrue(ports)
        self.assertEqual(len(ports), len(set(ports)), "each 503 ended its connection")

    def test_http_2_falls_silent(self):
        """A front end that takes requests and answers none: what times out is asked again over another connection."""
        process = self.start(self.http_two, tls=False)
        self.sick.rules({"fault": "status", "status": 404, "times": 0})
        self.balancer.turn = 1
        process.start()
        self.wait_for_everything(30)
        # From now on the connection that serves all leads to a front end that is stopped.
        front = next(p for p in self.processes if p.name == "front")
        spare = HttpTwo(self, self.sim, "front-spare")
        self.balancer.ports, self.balancer.turn = (spare.port, spare.port), 0
        front.signal(19)  # SIGSTOP
        self.faults += 1
        self.make(new=30, updates=10, tenants=TENANTS)
        self.wait_for_everything(40)
        self.settle()
        self.close_books("a front end that falls silent, HTTP/2")
        self.assertLess(sum(self.balancer.count), 8, "connections, however many requests timed out")

    def test_all_of_them(self):
        """While none answers better, connections are not renewed with each answer; once one is well it serves all."""
        process = self.start(self.http_two, tls=False)
        self.sim.rules({"fault": "status", "status": 503, "at": "api"})
        process.start()
        self.faults += 1
        wait_until(lambda: len(self.sick.requests() + self.sim.requests()) > 5 * TENANTS, "refused requests", 90)
        self.assertLess(sum(self.balancer.count), 6, "connections")
        self.sim.rules()

        def all_there():
            process.hup()  # what failed is tried again at once, not after its back-off
            time.sleep(0.5)
            return not self.visible() - self.arrived()

        wait_until(all_there, "all alerts", 60)
        self.settle()
        self.close_books("all front ends answer 503, HTTP/2")
        self.assertEqual({request["tenant"] for request in self.sim.pages()}, {tenant_id(i) for i in range(1, TENANTS + 1)})


if __name__ == "__main__":
    unittest.main()
