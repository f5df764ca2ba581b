// @ts-check
// Which message goes when: one at a time, and of what waits the newest.

/** Sends the newest of what is offered, one at a time: the next one when the last was answered. */
export class Newest {
  /** @param {(number: number) => void} send @param {() => number} now @param {number} patience ms after which an answer
   * is taken to be lost */
  constructor(send, now = () => performance.now(), patience = 5000) {
    this.send = send;
    this.now = now;
    this.patience = patience;
    this.number = 0;
    this.under = 0; // number of the one under way; 0: none
    this.since = 0;
    this.waits = false;
  }

  /** There is something newer to send. */
  offer() {
    if (this.under && this.now() - this.since < this.patience) this.waits = true;
    else this.go();
  }

  /** @param {number} number of what has been drawn */
  answered(number) {
    if (number !== this.under) return;
    this.under = 0;
    if (this.waits) this.go();
  }

  go() {
    this.waits = false;
    this.under = ++this.number;
    this.since = this.now();
    this.send(this.number);
  }
}
